// What a test of accidents leaves to chance.
#pragma once

#include <random>

#include "absl/time/time.h"

namespace section55::fault {

// Choices that the same seed makes again: SECTION55_FAULT_SEED, or a new one. Made while a test runs: prints how to have the same again. Not
// thread-safe.
class Choices {
 public:
  Choices();

  // Each as likely as the others, both ends included.
  int Between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
  absl::Duration UpTo(absl::Duration longest) { return longest * Between(0, 1000) / 1000; }
  std::mt19937& random() { return random_; }

 private:
  std::mt19937 random_;
};

}  // namespace section55::fault
