"""How far two words are apart."""


def distance(one, other):
    """The least number of letters to insert, delete or replace to make `one` of `other`."""
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, letter_of_other in enumerate(other, 1):
            replaced = above[column - 1] + 1
            line.append(min(replaced, above[column] + 1, line[-1] + 1))
        above = line
    return above[-1]


def closest(word, words):
    """The word that is nearest to `word`; of several, the first."""
    return min(words, key=lambda each: distance(word, each))
