"""Invented maker names. The data has numbers only, and a real brand's name is not ours to use.

Each of the 6,471 manufacturer numbers gets a word of its own, in the order of how much it sells, so that the same
maker is called the same everywhere and two makers never share a name.
"""

STORE_BRAND = "Amazoff"
# The grocer's number for goods that have no maker worth naming: loose fruit, meat cut in the store.
NO_MAKER = 2
# What is sold by its kind and not by who packed it.
UNBRANDED_DEPARTMENTS = {"MEAT", "SEAFOOD", "FLORAL", "SALAD BAR", "GARDEN CENTER", "CHEF SHOPPE"}

BEGINNINGS = """
Fern Quill Thorn Lark Tarn Otter Marl Sorrel Kestrel Ember Bracken Gorse Heron Linnet Pebble Rowan Sedge Tansy
Umber Vetch Whin Yarrow Alder Bryony Calder Dunlin Elder Fallow Garnet Hazel Ingle Juniper Knap Lovage Mallow Nettle
Orrin Plover Quarry Rill Saffron Teasel Ulver Vesper Wren Aven Burdock Clary Dapple Eyot Furrow Gannet Harrow Iver
Jasper Kell Lichen Merle Nuthatch Osier Petrel Quince Russet Skylark Thrift Upland Velvet Wicker Zephyr Amber Bilber
Marten Sable Tern Siskin Pollard Cinder Drift Ebon Fennel Grebe Hollin Isling Jonquil Kit Larch Mistle Norrin Oriel Pippin Ruddle Starling Twine Vine
Wold
""".split()
ENDINGS = """
mere wick combe stead worth wade holt ley bourne croft wyn garth march more hurst fold den dell sett thorpe gill
haven ridge barrow meadow spring beck wold shaw bridge acre dene lowe cote side rise lea moor vale row hythe well
brook ton pool grove bank cliff ford gate field ham hill house land mill mont ness over park path reach rock stone
tree view wall water way weir wharf wood yard
""".split()
# Made by the rule above, but somebody's name already, or clumsy.
NOT_THESE = {
    "Hazelwood", "Alderwood", "Elderwood", "Elderton", "Harrowgate", "Rowanwood", "Fernwood", "Thornton", "Thornhill",
    "Thornbridge", "Fallowfield", "Calderwood", "Amberwood", "Skylarkwood", "Quarrystone", "Quarryrock", "Wrenhouse",
    "Larchwood", "Treetree", "Waterwater", "Hollingwood", "Meadowmeadow", "Vineyard", "Fernbrook", "Quincebrook",
    "Juniperridge", "Larkspring", "Amberley", "Ingleside", "Inglewood", "Inglebrook", "Inglehouse", "Harrowton",
    "Kellwood", "Kelley", "Kitley", "Kitside", "Knapton", "Lovageley", "Burdockrock", "Woldwold", "Driftwood",
    "Nettleham", "Nettleton", "Amberstone", "Uplandland", "Pippinhill", "Thornwood", "Alderley", "Bracknell",
    "Heronstone", "Heronhill", "Heronwood", "Merlewood", "Orrinston", "Avenham", "Avenhouse", "Velvetway",
}  # fmt: skip


def names(manufacturers):
    """manufacturer number → name, given the numbers in the order in which the best names go."""
    return dict(zip(manufacturers, words(), strict=False))


def words():
    """Every beginning is used once before any is used again, each time with another ending."""
    for turn in range(len(ENDINGS)):
        for place, beginning in enumerate(BEGINNINGS):
            word = beginning + ENDINGS[(turn + place) % len(ENDINGS)]
            if word not in NOT_THESE and not doubled(beginning, word):
                yield word


def doubled(beginning, word):
    """ "Quillley", "Tarnness": the ending repeats the letter that the beginning ends on."""
    return word[len(beginning)] == beginning[-1]


def brand(manufacturer, private, department, maker_names):
    if private:
        return STORE_BRAND
    if manufacturer == NO_MAKER or department in UNBRANDED_DEPARTMENTS:
        return None
    return maker_names[manufacturer]
