#include "libs/events/follower.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/log.h"
#include "libs/base/status.h"
#include "libs/events/backoff.h"
#include "libs/events/follower_store.h"
#include "libs/rpc/server.h"
#include "section55/common/v1/event_feed.grpc.pb.h"

namespace section55::events {
namespace {

using common::v1::Event;
using common::v1::EventFeed;
using Events = google::protobuf::RepeatedPtrField<Event>;

// Somebody has to look at a source that is not the one the cursor belongs to: trying often is of no use.
constexpr absl::Duration kWrongSourcePause = absl::Seconds(10);

// Whether the same try may succeed later.
bool IsPassing(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kCancelled:
      return true;
    default:
      return false;
  }
}

std::string Describe(const absl::Status& status) {
  return absl::StatusCodeToString(status.code()) + ": " + std::string(status.message());
}

absl::Status Gap(int64_t cursor, int64_t position) {
  return absl::DataLossError("the source sent position " + std::to_string(position) + " after " +
                             std::to_string(cursor));
}

}  // namespace

struct Follower::Impl {
  Impl(std::string source, const std::shared_ptr<grpc::Channel>& channel, db::Database& database, base::Clock& clock,
       Handler handler)
      : source(std::move(source)),
        feed(EventFeed::NewStub(channel)),
        database(database),
        clock(clock),
        handler(std::move(handler)) {}

  void Run();
  absl::Status FollowStream();
  absl::Status Handle(const Events& events);
  // Both return false, having changed nothing, when the cursor does not stand before the first event.
  absl::StatusOr<bool> Apply(const Events& events, int begin, int end, bool& refused);
  absl::StatusOr<bool> ParkPoisoned(const Event& event, const absl::Status& error);
  absl::StatusOr<int64_t> LoadCursor();
  absl::StatusOr<std::optional<int64_t>> RetryOne(int64_t position, absl::Status& refusal);

  bool Stopping() {
    absl::MutexLock lock(&mutex);
    return stopping;
  }
  // Returns when the pause is over or Stop is called.
  void Pause(absl::Duration pause) {
    absl::MutexLock lock(&mutex);
    mutex.AwaitWithTimeout(absl::Condition(&stopping), pause);
  }
  void Trouble(const absl::Status& status);
  void AllWell();

  const std::string source;
  const std::unique_ptr<EventFeed::Stub> feed;
  db::Database& database;
  base::Clock& clock;
  const Handler handler;
  std::thread thread;
  int64_t cursor = 0;  // as last read or written here; only the thread uses it
  Backoff backoff;     // likewise

  absl::Mutex mutex;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  grpc::ClientContext* stream ABSL_GUARDED_BY(mutex) = nullptr;  // for Stop to cancel
  bool connected ABSL_GUARDED_BY(mutex) = false;
  int64_t source_head ABSL_GUARDED_BY(mutex) = 0;
  absl::Status trouble ABSL_GUARDED_BY(mutex);
};

void Follower::Impl::Trouble(const absl::Status& status) {
  absl::MutexLock lock(&mutex);
  // Once per streak: a source that is down for a night is one line.
  if (trouble.code() != status.code()) {
    base::Log(
        absl::IsOutOfRange(status) || absl::IsDataLoss(status) ? base::Severity::kError : base::Severity::kWarning,
        "following does not get on; trying until it does", {{"source", source}, {"error", Describe(status)}});
  }
  trouble = status;
}

void Follower::Impl::AllWell() {
  absl::MutexLock lock(&mutex);
  if (!trouble.ok()) base::Log(base::Severity::kInfo, "following again", {{"source", source}});
  trouble = absl::OkStatus();
}

void Follower::Impl::Run() {
  while (!Stopping()) {
    const absl::Status ended = FollowStream();
    if (Stopping()) return;
    Trouble(ended);
    Pause(absl::IsOutOfRange(ended) ? kWrongSourcePause : backoff.Next());
  }
}

// Follows until the stream ends; never returns OK.
absl::Status Follower::Impl::FollowStream() {
  ASSIGN_OR_RETURN(cursor, LoadCursor());
  grpc::ClientContext context;
  {
    absl::MutexLock lock(&mutex);
    stream = &context;
    if (stopping) context.TryCancel();
  }
  const absl::Cleanup forget = [this] {
    absl::MutexLock lock(&mutex);
    stream = nullptr;
    connected = false;
  };
  common::v1::FollowRequest request;
  request.set_after(cursor);
  const std::unique_ptr<grpc::ClientReader<common::v1::FollowResponse>> reader = feed->Follow(&context, request);
  reader->WaitForInitialMetadata();
  const auto& metadata = context.GetServerInitialMetadata();
  if (const auto head = metadata.find(kFeedHeadKey); head != metadata.end()) {
    AllWell();
    absl::MutexLock lock(&mutex);
    connected = true;
    if (!absl::SimpleAtoi(absl::string_view(head->second.data(), head->second.size()), &source_head)) source_head = 0;
  }
  absl::Status handled;
  common::v1::FollowResponse response;
  while (handled.ok() && reader->Read(&response)) {
    {
      absl::MutexLock lock(&mutex);
      source_head = response.head_position();
    }
    handled = Handle(response.events());
  }
  if (!handled.ok()) context.TryCancel();
  const absl::Status finished = rpc::FromGrpc(reader->Finish());
  if (!handled.ok()) return handled;
  return finished.ok() ? absl::UnavailableError("the source ended the stream") : finished;
}

// Handles what was received, all of it in one transaction; after a failure one event at a time, so that what can be
// handled is, and the one that cannot be handled is found. Returns an error when the stream has to be opened anew.
absl::Status Follower::Impl::Handle(const Events& events) {
  int begin = 0;
  int chunk = events.size();
  while (begin < events.size()) {
    if (Stopping()) return absl::CancelledError("stopping");
    if (events[begin].position() <= cursor) {  // delivered before, or handled by another replica
      ++begin;
      continue;
    }
    const int end = std::min(begin + chunk, events.size());
    for (int i = begin; i < end; ++i) {
      const int64_t expected = cursor + 1 + (i - begin);
      if (events[i].position() != expected) return Gap(expected - 1, events[i].position());
    }
    bool refused = false;
    absl::StatusOr<bool> done = Apply(events, begin, end, refused);
    if (!done.ok() && chunk > 1) {
      chunk = 1;
      continue;
    }
    if (!done.ok() && refused && !IsPassing(done.status())) done = ParkPoisoned(events[begin], done.status());
    if (!done.ok()) {
      Trouble(done.status());
      Pause(backoff.Next());
      continue;
    }
    if (*done) {
      cursor = events[end - 1].position();
    } else {
      ASSIGN_OR_RETURN(cursor, LoadCursor());
    }
    backoff.Reset();
    AllWell();
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Follower::Impl::Apply(const Events& events, int begin, int end, bool& refused) {
  bool in_step = false;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    refused = false;
    ASSIGN_OR_RETURN(in_step, Advance(tx, source, events[begin].position() - 1, events[end - 1].position()));
    if (!in_step) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto parked, ParkedSubjects(tx, source));
    for (int i = begin; i < end; ++i) {
      if (parked.contains(events[i].subject())) {
        RETURN_IF_ERROR(
            Park(tx, source, events[i], "Waits behind an earlier event of the same subject.", 0, clock.Now()));
        continue;
      }
      const absl::Status applied = handler(tx, events[i]);
      refused = !applied.ok();
      RETURN_IF_ERROR(applied);
    }
    return absl::OkStatus();
  }));
  return in_step;
}

absl::StatusOr<bool> Follower::Impl::ParkPoisoned(const Event& event, const absl::Status& error) {
  const std::string description = Describe(error);
  bool in_step = false;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(in_step, Advance(tx, source, event.position() - 1, event.position()));
    if (!in_step) return absl::OkStatus();
    return Park(tx, source, event, description, 1, clock.Now());
  }));
  if (in_step) {
    base::Log(
        base::Severity::kError, "event parked",
        {{"source", source}, {"position", event.position()}, {"subject", event.subject()}, {"error", description}});
  }
  return in_step;
}

absl::StatusOr<int64_t> Follower::Impl::LoadCursor() {
  std::optional<int64_t> position;
  const auto read = [&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(position, ReadCursor(tx, source));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(database.Read(read));
  if (!position) {
    RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) { return BeginCursor(tx, source); }));
    RETURN_IF_ERROR(database.Read(read));
  }
  return position.value_or(0);
}

// Handles one parked event and returns the next of its subject. `refusal` is the handler's error when it failed again.
absl::StatusOr<std::optional<int64_t>> Follower::Impl::RetryOne(int64_t position, absl::Status& refusal) {
  std::optional<int64_t> next;
  RETURN_IF_ERROR(database.Write([&](db::Transaction& tx) -> absl::Status {
    refusal = absl::OkStatus();
    RETURN_IF_ERROR(TouchCursor(tx, source));
    ASSIGN_OR_RETURN(const std::optional<Event> event, FindParked(tx, source, position));
    if (!event) return base::NotFound(ParkedName(source, position));
    ASSIGN_OR_RETURN(const std::optional<int64_t> first, FirstParked(tx, source, event->subject()));
    if (first != position) {
      const std::string earlier = ParkedName(source, first.value_or(0));
      return base::Error(absl::StatusCode::kFailedPrecondition, "EARLIER_EVENT_PARKED",
                         "An earlier event of the same subject has to come first: " + earlier + ".",
                         {{"earlier", earlier}});
    }
    refusal = handler(tx, *event);
    RETURN_IF_ERROR(refusal);
    RETURN_IF_ERROR(Unpark(tx, source, position));
    ASSIGN_OR_RETURN(next, FirstParked(tx, source, event->subject()));
    return absl::OkStatus();
  }));
  return next;
}

Follower::Follower(std::string source, const std::shared_ptr<grpc::Channel>& channel, db::Database& database,
                   base::Clock& clock, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(source), channel, database, clock, std::move(handler))) {}

Follower::~Follower() { Stop(); }

void Follower::Start() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = false;
  }
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

void Follower::Stop() {
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
    if (impl_->stream != nullptr) impl_->stream->TryCancel();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

const std::string& Follower::source() const { return impl_->source; }

admin::v1::FollowerStatus Follower::Status() {
  admin::v1::FollowerStatus status;
  status.set_source(impl_->source);
  const absl::Status read = impl_->database.Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<int64_t> position, ReadCursor(tx, impl_->source));
    status.set_position(position.value_or(0));
    ASSIGN_OR_RETURN(const int64_t parked, CountParked(tx, impl_->source));
    status.set_parked_events(parked);
    return absl::OkStatus();
  });
  absl::MutexLock lock(&impl_->mutex);
  status.set_source_head_position(impl_->source_head);
  status.set_connected(impl_->connected);
  const absl::Status& trouble = read.ok() ? impl_->trouble : read;
  if (!trouble.ok()) status.set_last_error(Describe(trouble));
  return status;
}

absl::StatusOr<int> Follower::RetryParked(int64_t position) {
  std::optional<int64_t> next = position;
  int handled = 0;
  while (next) {
    position = *next;
    absl::Status refusal;
    absl::StatusOr<std::optional<int64_t>> tried = impl_->RetryOne(position, refusal);
    if (tried.ok()) {
      next = *tried;
      ++handled;
      continue;
    }
    absl::Status failure = tried.status();
    if (!refusal.ok()) {
      const std::string description = Describe(failure);
      failure = impl_->database.Write(
          [&](db::Transaction& tx) { return CountFailure(tx, impl_->source, position, description); });
      if (failure.ok()) {
        failure = base::Error(absl::StatusCode::kFailedPrecondition, "STILL_FAILING",
                              "The event failed again and stays parked: " + description);
      }
    }
    // Those before it were handled all the same; this one says for itself why it was not.
    if (handled == 0) return failure;
    break;
  }
  return handled;
}

}  // namespace section55::events
