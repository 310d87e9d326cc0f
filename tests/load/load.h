// A load generator: keeps a fixed number of unary calls in flight and counts what comes back.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace section55::load {

// What is called. Requests are serialised once, so that the generator costs as little as it can.
struct Target {
  std::string method;  // "/section55.authoring.v1.ResponseAuthoring/GetResponse"
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  int in_flight_per_channel = 1;
  // What caller 0, 1, 2 ... (channels x in_flight_per_channel of them) sends, by turns 0 and 1, so that an update changes something each
  // time, and its bearer token. An empty token is not sent.
  std::function<std::string(int caller, int turn)> request;
  std::function<std::string(int caller)> token;
};

struct Outcome {
  double calls_per_second = 0;
  double median_millis = 0;
  double p99_millis = 0;
  int64_t failures = 0;
  std::string first_failure;
};

// Calls for `duration`, then lets what is in flight come back.
Outcome Run(const Target& target, absl::Duration duration);

}  // namespace section55::load
