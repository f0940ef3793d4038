"""Detections as COCO result records."""
import rle


def records(detections, masks, image_id, category_ids):
    """One record a detection, class by class, best first within a class. Numbers are
    the float32 values; width and height are differences in float64."""
    out = []
    values = detections.float().double().tolist()
    order = sorted(range(len(values)), key=lambda i: values[i][5])
    for i in order:
        x1, y1, x2, y2, score, label = values[i]
        h, w = masks[i].shape
        out.append({
            "image_id": image_id,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
            "category_id": category_ids[int(label)],
            "segmentation": {"size": [h, w], "counts": rle.encode(masks[i].numpy())}})
    return out
