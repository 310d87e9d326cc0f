// What tests of an operator's work share: command lines, and what health says.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/testing/suite.h"

namespace section55::e2e {

// The command with a flag set anew; it stands once.
inline testing::Command With(testing::Command command, const std::string& flag) {
  const std::string name = flag.substr(0, flag.find('=') + 1);
  std::erase_if(command.words, [&](const std::string& word) { return !name.empty() && word.starts_with(name); });
  command.words.push_back(flag);
  return command;
}

inline testing::Command Without(testing::Command command, const std::string& flag) {
  std::erase_if(command.words, [&](const std::string& word) { return word.starts_with(flag + "="); });
  return command;
}

// Follows what health says of a service, change by change.
class HealthWatch {
 public:
  HealthWatch(const testing::Suite& suite, testing::Service service, const std::string& name = "")
      : stub_(suite.channel(service)), name_(name.empty() ? testing::FullNameOf(service) : name) {
    Open();
  }
  ~HealthWatch() { context_->TryCancel(); }
  // The next state; UNKNOWN when the stream has ended.
  grpc::health::v1::HealthCheckResponse::ServingStatus Next() {
    grpc::health::v1::HealthCheckResponse response;
    do {
      if (!stream_->Read(&response)) {
        return grpc::health::v1::HealthCheckResponse::UNKNOWN;
      }
    } while (response.status() ==
             grpc::health::v1::HealthCheckResponse::SERVICE_UNKNOWN);  // for a moment, while it starts
    return response.status();
  }
  // The next states until one is `wanted`; false when none has been within a minute. A stream that ends is opened again: it may have
  // begun on the connection of a process that was just ending.
  bool Await(grpc::health::v1::HealthCheckResponse::ServingStatus wanted) {
    while (absl::Now() < until_) {
      const grpc::health::v1::HealthCheckResponse::ServingStatus next = Next();
      if (next == wanted) {
        return true;
      }
      if (next == grpc::health::v1::HealthCheckResponse::UNKNOWN) {
        Open();
      }
    }
    return false;
  }

 private:
  void Open() {
    stream_.reset();
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(absl::ToChronoTime(until_));
    context_->set_wait_for_ready(true);
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name_);
    stream_ = stub_.Watch(context_.get(), request);
  }

  grpc::health::v1::Health::Stub stub_;
  const std::string name_;
  const absl::Time until_ = absl::Now() + absl::Minutes(1);
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<grpc::health::v1::HealthCheckResponse>> stream_;
};

}  // namespace section55::e2e
