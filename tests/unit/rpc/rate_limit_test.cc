#include "libs/rpc/rate_limit.h"

#include <gtest/gtest.h>

namespace section55::rpc {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

int TakeAll(RateLimit& limit, std::string_view caller, absl::Time now) {
  int taken = 0;
  while (taken < 1000 && limit.Take(caller, now)) {
    ++taken;
  }
  return taken;
}

TEST(RateLimitTest, ABurstThenTheRate) {
  RateLimit limit(10);
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow), 20);
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow + absl::Milliseconds(500)), 5);
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow + absl::Hours(1)), 20);
}

TEST(RateLimitTest, CallersDoNotShare) {
  RateLimit limit(10);
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow), 20);
  EXPECT_EQ(TakeAll(limit, "people/bob", kNow), 20);
}

TEST(RateLimitTest, AClockSetBackTakesNothingAway) {
  RateLimit limit(10);
  EXPECT_TRUE(limit.Take("people/ann", kNow));
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow - absl::Hours(1)), 19);
}

TEST(RateLimitTest, WhatIsGivenBackCanBeTakenAgain) {
  RateLimit limit(10);
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow), 20);
  EXPECT_TRUE(limit.Take("people/ann", kNow, -3));
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow), 3);
}

TEST(RateLimitTest, WhatIsLeftIsTold) {
  RateLimit limit(2);
  double left = 0;
  for (const double expected : {3, 2, 1, 0}) {
    EXPECT_TRUE(limit.Take("people/ann", kNow, 1, &left));
    EXPECT_EQ(left, expected);
  }
  EXPECT_FALSE(limit.Take("people/ann", kNow + absl::Milliseconds(250), 1, &left));
  EXPECT_EQ(left, 0.5);
}

TEST(RateLimitTest, ZeroMeansNoLimit) {
  RateLimit limit(0);
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow), 1000);
}

TEST(RateLimitTest, ManyCallersNeitherFillItForEverNorReset) {
  RateLimit limit(10);
  EXPECT_EQ(TakeAll(limit, "people/ann", kNow), 20);
  int refused = 0;
  for (int i = 0; i < 100'000; ++i) {
    refused += limit.Take("people/" + std::to_string(i), kNow) ? 0 : 1;
  }
  EXPECT_GT(refused, 0);  // bounded
  EXPECT_FALSE(limit.Take("people/ann", kNow));
  EXPECT_TRUE(limit.Take("people/new", kNow + absl::Seconds(3)));
}

}  // namespace
}  // namespace section55::rpc
