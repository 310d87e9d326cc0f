// What must hold of a suite when its work is done, whatever happened to it meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/testing/suite.h"
#include "section55/authoring/v1/response.pb.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {

// What the services use of the machine, taken when it is made: after a fault they are to be back near it.
class Resources {
 public:
  explicit Resources(testing::Suite& suite);

  // Failures of the test for a service that does not come back to nearly as many open descriptors and as much memory.
  void ExpectBack();

 private:
  struct Use {
    int descriptors = 0;
    int64_t memory = 0;  // resident, in bytes
  };
  Use UseOf(testing::Service service) const;

  testing::Suite& suite_;
  std::map<testing::Service, Use> before_;
};

// Every stored row of the four services matches its checksum: otherwise failures of the test. Returns how many rows were read.
int64_t ExpectNothingDamaged(testing::Suite& suite);

// A body that has answered the report, and the last text of it that was acknowledged.
struct Answered {
  Area area;
  authoring::v1::Response saved;
  // Whether it took the longest way (MainJob::AnswerWithDetours).
  bool by_detours = false;
};

// Failures of the test, in the terms of the field, for what does not hold. For a suite in which nothing but the main job was done, once
// for each of these bodies.
class Invariants {
 public:
  Invariants(testing::Suite& suite, MainJob& job, std::string report, std::vector<Answered> answered)
      : suite_(suite), job_(job), report_(std::move(report)), answered_(std::move(answered)) {}

  // All of them.
  void Check();

  // Each body has one response with the acknowledged text, one deadline met on the first day, one publication whose hash is right, four
  // copies; and there are no others.
  void ExpectEverythingOnce();
  // No gap in any feed, no event id twice, each subject's events once and in order.
  void ExpectFeedsWhole();
  // Nothing is parked, and every follower stands at the end of its source.
  void ExpectFollowersAtTheEnd();
  // But what waits for its day.
  void ExpectNoJobLeft();
  // Each change of each part of each response stands in its history once.
  void ExpectHistoryWhole();

 private:
  testing::Suite& suite_;
  MainJob& job_;
  const std::string report_;
  const std::vector<Answered> answered_;
};

}  // namespace section55::e2e
