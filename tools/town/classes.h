/* classes.h - what there is in the town
 *
 * One numbering for both kinds of truth: the things' numbers are COCO category ids and
 * label values, the stuff's are label values only. Label 0 is what nobody is asked about.
 */
#ifndef DP_TOOLS_TOWN_CLASSES_H
#define DP_TOOLS_TOWN_CLASSES_H

enum {
    TOY_CAR = 1,
    TOY_BUS,
    TOY_TREE,
    TOY_HOUSE,
    TOY_PERSON,
    TOY_BOAT,
    TOY_BIRD,
    TOY_LAMP,
    TOY_BENCH,
    TOY_FLOWER,
    TOY_THINGS = TOY_FLOWER,
    TOY_SKY,
    TOY_GRASS,
    TOY_ROAD,
    TOY_WATER,
    TOY_SAND,
    TOY_WALL,
    TOY_CLASSES = TOY_WALL
};

/* The name of a thing, 1 to TOY_THINGS. */
const char *toy_thing_name(int thing);

#endif
