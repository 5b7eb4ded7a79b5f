"""Runs Presidio in its own virtual environment: lines of `{"text": ...}` in, `{"spans": [...], "s": seconds}` out.

Presidio with its pattern recognisers and without a model for names: the tokenizer of a blank spaCy pipeline gives the
words that its context rules look at. Nothing is downloaded: the public suffix list is the one in the package.
"""

from __future__ import annotations

import json
import sys
import time

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

OFF = {
    "URL",
    "DATE_TIME",
    "UUID",
    "MAC_ADDRESS",
    "NRP",
    "LOCATION",
    "PERSON",
    "ORGANIZATION",
    "CRYPTO",
    "MEDICAL_LICENSE",
    "US_DRIVER_LICENSE",
}
"""What the other side does not look for either."""
THRESHOLD = 0.35


class Words(NlpEngine):
    """Tokens and no entities."""

    engine_name = "blank"
    is_available = True

    def __init__(self):
        self.blank = spacy.blank("en")

    def load(self):
        """Nothing to load."""

    def is_loaded(self):
        return True

    def process_text(self, text, language):
        doc = self.blank(text)
        words = [token.text.lower() for token in doc]
        return NlpArtifacts([], doc, [token.idx for token in doc], words, self, language)

    def process_batch(self, texts, language, **kwargs):
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word, language):
        return self.blank.vocab[word].is_stop

    def is_punct(self, word, language):
        return self.blank.vocab[word].is_punct

    def get_supported_entities(self):
        return []

    def get_supported_languages(self):
        return ["en"]


def main() -> None:
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    registry.recognizers = [each for each in registry.recognizers if "Spacy" not in type(each).__name__]
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=Words(), supported_languages=["en"])
    kinds = [kind for kind in analyzer.get_supported_entities("en") if kind not in OFF]
    analyzer.analyze("warm up a@b.io +1 415 555 2671", "en", entities=kinds)
    for line in sys.stdin:
        text = json.loads(line)["text"]
        start = time.thread_time()
        found = analyzer.analyze(text, "en", entities=kinds, score_threshold=THRESHOLD)
        spent = time.thread_time() - start
        spans = [[each.start, each.end, each.entity_type] for each in found]
        print(json.dumps({"spans": spans, "s": spent}), flush=True)


if __name__ == "__main__":
    main()
