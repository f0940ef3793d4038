/* pickle.h - an interpreter of Python's pickles that can only build what a state dict needs
 *
 * A pickle is a program for a stack machine that may ask for any Python callable to be
 * called. This one calls nothing: it has no import, no attribute, no code to run. The
 * globals it knows are an allow-list (pickle_globals.h): containers, torch's storage
 * classes and dtypes, and the functions that put a tensor together from a storage, an
 * offset, a shape and strides. Every other global becomes an opaque value that carries
 * its name. Calling it, building it or filling it gives an opaque value again and has no
 * effect, so the values around it are still read. The names of all opaque globals are
 * listed beside the values.
 *
 * Opcodes that are carried out (protocols 2 to 5):
 *
 *    PROTO FRAME STOP                                         the frame
 *    MARK POP POP_MARK DUP                                    the stack
 *    BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET            the memo
 *    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT
 *    BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINSTRING SHORT_BINSTRING
 *    BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8             atoms
 *    EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS
 *    EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET ADDITEMS FROZENSET   containers
 *    GLOBAL STACK_GLOBAL REDUCE NEWOBJ NEWOBJ_EX BUILD        names, and what they make
 *    BINPERSID                                                a storage of torch's
 *
 * Any other byte is DP_EFORMAT, with the opcode's name and its offset. So are the text
 * opcodes of protocols 0 and 1 (INT, GET, INST, PERSID, ...),
 * the registry of extensions (EXT1, EXT2, EXT4) and out-of-band buffers.
 *
 * Memory is bounded by a small multiple of the bytes read (below 150 in the worst case)
 * and by DP_MAX_PICKLE_STACK, DP_MAX_PICKLE_VALUES and DP_MAX_PICKLE_ITEMS. A memo index
 * beyond the bytes read so far is refused. Nothing here recurses: nesting is bounded by
 * DP_MAX_PICKLE_DEPTH open marks here, and in the finished values by their reader.
 */
#ifndef DP_IO_CHECKPOINT_PICKLE_H
#define DP_IO_CHECKPOINT_PICKLE_H

#include "io/checkpoint/pickle_value.h"

/* Interpret the pickle that starts at data, adding its values to *values; *root is its
 * result, and *used the bytes up to and with STOP. Texts of the values point into data.
 * `name` (a file's, a member's) opens the sentence. DP_EFORMAT, DP_ENOMEM: there is no root
 * then; release the values. */
dp_status dp_pickle_read(dp_error *err, dp_pickle_values *tree, dp_pickle_value *root,
                         size_t *used, const char *name, const unsigned char *data,
                         size_t size) DP_MUST_CHECK;

#endif
