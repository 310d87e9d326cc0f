// One tenant's people call as fast as they can; another's are served all the same.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "libs/testing/suite.h"
#include "section55/authoring/v1/response_authoring.grpc.pb.h"
#include "tests/fault/target.h"

namespace section55::fault {
namespace {

using authoring::v1::GetResponseRequest;
using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;

constexpr int kFloodConnections = 4;
constexpr int kFloodPeople = 20;
constexpr int kEach = 16;

// Calls of one person that follow each other without end, so many at once.
class Flood {
 public:
  Flood(const Target& target, std::string body) : body_(std::move(body)) {
    for (int i = 0; i < kFloodPeople; ++i) {
      testing::Pki::Get().AddPerson(fmt::format("flood-{}", i), {fmt::format("author@bodies/{}", body_)});
    }
    for (int i = 0; i < kFloodConnections; ++i) {
      stubs_.push_back(ResponseAuthoring::NewStub(target.NewChannel()));
    }
    for (int i = 0; i < kFloodPeople * kEach; ++i) {
      Begin(i);
    }
  }
  ~Flood() {
    stopping_ = true;
    const absl::MutexLock lock(&mutex_);
    const auto none = [this] { return open_ == 0; };
    mutex_.Await(absl::Condition(&none));
  }

  int answered() const { return answered_; }
  int refused() const { return refused_; }

 private:
  struct Call {
    std::unique_ptr<grpc::ClientContext> context;
    GetResponseRequest request;
    Response response;
  };

  void Begin(int number) {
    {
      const absl::MutexLock lock(&mutex_);
      ++open_;
    }
    const auto call = std::make_shared<Call>();
    call->context = testing::Suite::As(fmt::format("flood-{}", number % kFloodPeople));
    call->request.set_name(fmt::format("bodies/{}/responses/none", body_));
    stubs_[number % kFloodConnections]->async()->GetResponse(
        call->context.get(), &call->request, &call->response, [this, number, call](const grpc::Status& status) {
          ++(status.error_code() == grpc::StatusCode::NOT_FOUND ? answered_ : refused_);
          if (!stopping_) {
            Begin(number);
          }
          const absl::MutexLock lock(&mutex_);
          --open_;
        });
  }

  const std::string body_;
  std::vector<std::unique_ptr<ResponseAuthoring::Stub>> stubs_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> answered_ = 0;
  std::atomic<int> refused_ = 0;
  absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(TenantFloodTest, AnotherTenantsCallsAreAllServed) {
  Target target("response-authoring",
                {"--calls_per_second_per_caller=0", "--inspection_registry=127.0.0.1:1", "--publication=127.0.0.1:1"});
  for (int round = 0; round < Rounds(); ++round) {
    Flood flood(target, "suffolk-pcc");
    ASSERT_TRUE(Target::Until([&] { return flood.answered() + flood.refused() > 1000; }));
    const auto stub = ResponseAuthoring::NewStub(target.NewChannel());
    constexpr int kCalls = 100;
    int served = 0;
    absl::Duration slowest = absl::ZeroDuration();
    for (int i = 0; i < kCalls; ++i) {
      const auto context = testing::Suite::As("norfolk-author");
      context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
      GetResponseRequest request;
      request.set_name("bodies/norfolk-pcc/responses/none");
      Response response;
      const absl::Time begun = absl::Now();
      const grpc::Status status = stub->GetResponse(context.get(), request, &response);
      slowest = std::max(slowest, absl::Now() - begun);
      served += status.error_code() == grpc::StatusCode::NOT_FOUND ? 1 : 0;
    }
    fmt::print("{} of {} served, the slowest in {}; of the flood {} answered, {} refused\n", served, kCalls,
               absl::FormatDuration(slowest), flood.answered(), flood.refused());
    // Four fifths would be what is promised; none is refused.
    EXPECT_EQ(served, kCalls);
    EXPECT_GT(flood.refused(), 0);
  }
}

}  // namespace
}  // namespace section55::fault
