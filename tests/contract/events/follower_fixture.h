// A follower in a service of its own, and what its handler was seen to do.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "libs/base/clock.h"
#include "libs/events/follower.h"
#include "libs/events/follower_store.h"
#include "libs/events/parked.h"
#include "tests/contract/events/fixture.h"
#include "tests/contract/events/source.h"

namespace section55::events {

inline constexpr char kSource[] = "inspection-registry";

// What a test does to events on their way; thread-safe.
class Handled {
 public:
  // The handlers: of texts, which asks `before`, has the effect, asks `after`. Both may refuse the event.
  events::Handlers Handlers(int newest_version = 1) {
    events::Handlers handlers;
    handlers.Ignore<google::protobuf::BoolValue>();
    handlers.On<google::protobuf::StringValue>(
        [this](db::Transaction& tx, const Event& event, const google::protobuf::StringValue& payload) -> absl::Status {
          const std::string& text = payload.value();
          RETURN_IF_ERROR(Ask(before_, text));
          RETURN_IF_ERROR(AddEffect(tx, event.subject(), text));
          RETURN_IF_ERROR(Ask(after_, text));
          tx.AfterCommit([this, text] {
            absl::MutexLock lock(&mutex_);
            committed_.insert(text);
          });
          return absl::OkStatus();
        },
        newest_version);
    return handlers;
  }

  using Opinion = std::function<absl::Status(const std::string& text)>;
  void Before(Opinion opinion) { Set(before_, std::move(opinion)); }
  void After(Opinion opinion) { Set(after_, std::move(opinion)); }

  // Waits until the effect of the event with this text is committed.
  bool WaitFor(const std::string& text) {
    absl::MutexLock lock(&mutex_);
    const auto committed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return committed_.contains(text); };
    return mutex_.AwaitWithTimeout(absl::Condition(&committed), absl::Seconds(30));
  }

 private:
  void Set(Opinion& slot, Opinion opinion) {
    absl::MutexLock lock(&mutex_);
    slot = std::move(opinion);
  }
  absl::Status Ask(const Opinion& slot, const std::string& text) {
    Opinion opinion;
    {
      absl::MutexLock lock(&mutex_);
      opinion = slot;
    }
    return opinion ? opinion(text) : absl::OkStatus();
  }

  absl::Mutex mutex_;
  Opinion before_ ABSL_GUARDED_BY(mutex_);
  Opinion after_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> committed_ ABSL_GUARDED_BY(mutex_);
};

// A feed that says what the test wants it to say.
class ScriptedFeed : public common::v1::EventFeed::Service {
 public:
  // Runs in each Follow: what it sends is between it and the test. A stream that it leaves stays open until the
  // follower goes or the feed closes.
  using Script = std::function<grpc::Status(int64_t after, grpc::ServerWriter<common::v1::FollowResponse>& writer)>;
  explicit ScriptedFeed(Script script) : script_(std::move(script)) {}

  static constexpr char kIncarnation[] = "00000000-0000-4000-8000-000000000001";

  grpc::Status Follow(grpc::ServerContext* context, const common::v1::FollowRequest* request,
                      grpc::ServerWriter<common::v1::FollowResponse>* writer) override {
    return script_(request->after(), *writer);
  }

  // Events of these positions; each has its own subject and its position as its text.
  static common::v1::FollowResponse Positions(const std::vector<int64_t>& positions) {
    common::v1::FollowResponse response;
    response.set_incarnation(kIncarnation);
    for (const int64_t position : positions) {
      Event& event = *response.add_events();
      event.set_position(position);
      event.set_event_id("00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + position));
      event.set_subject("subjects/" + std::to_string(position));
      event.set_schema_version(1);
      event.mutable_payload()->PackFrom(Payload(std::to_string(position)));
      response.set_head_position(position);
    }
    return response;
  }

 private:
  const Script script_;
};

class FollowerFixture : public testing::OnBothEngines {
 protected:
  FollowerFixture()
      : OnBothEngines(Schemas()),
        clock_(absl::FromUnixSeconds(1'767'258'000)),
        queue_(database(), clock_, "here:1", 1) {}

  // Stopped by the test, or at its end before what it uses. The queue is not started: what is put aside stays there.
  std::unique_ptr<Follower> MakeFollower(std::shared_ptr<grpc::Channel> channel, db::Database* own = nullptr) {
    return std::make_unique<Follower>(kSource, std::move(channel), own == nullptr ? database() : *own, clock_, queue_,
                                      handled_.Handlers());
  }

  std::vector<admin::v1::ParkedEvent> Parked() {
    std::vector<admin::v1::ParkedEvent> parked;
    const absl::Status read = database().Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(parked, ListParked(tx, "", {}, 1000));
      return absl::OkStatus();
    });
    EXPECT_THAT(read, testing::IsOk());
    return parked;
  }

  base::DrivenClock clock_;
  jobs::Queue queue_;
  Handled handled_;
};

}  // namespace section55::events
