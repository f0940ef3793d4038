// A run that goes on writes its page anew.
setTimeout(() => location.reload(), 30000);
