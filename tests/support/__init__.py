"""What tests of several kinds share: words for scenarios, fakes, and the engines they run on."""
