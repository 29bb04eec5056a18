"""English as METEOR reads it: sentences, word tokens, stems, synonyms, all equal to nltk 3.9.1."""
