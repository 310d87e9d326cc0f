#include "tests/fault/choices.h"

#include <errno.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace section55::fault {
namespace {

unsigned Seed() {
  constexpr char kVariable[] = "SECTION55_FAULT_SEED";
  const char* const given = std::getenv(kVariable);
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  fmt::print("The same again: {}={} {} --gtest_filter={}.{}\n", kVariable, seed, program_invocation_short_name,
             test->test_suite_name(), test->name());
  std::fflush(stdout);
  return seed;
}

}  // namespace

Choices::Choices() : random_(Seed()) {}

}  // namespace section55::fault
