"""Labelled tasks: files of a data set become items, a card says what is in them, metrics say what a model made of them.

files ── records ──▶ rows ── layouts ──▶ items ── task ──▶ train | validation | test ── card
                                                          predictions ── metrics ──▶ scores with intervals

kind             an item                                        score that decides
classification   a text, or two, and a label                    accuracy
tagging          words and a tag for each                       F1 of entities
reading          a passage, a question, answers in the passage  F1 (SQuAD's, or CMRC's in Chinese)
choice           a passage, a question, options, one is right   accuracy
generation       a source and what may be written of it         chrF
"""
