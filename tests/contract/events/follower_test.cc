// What a follower guarantees, on both engines: one effect per event, whatever fails when.
#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "libs/base/log.h"
#include "tests/contract/events/follower_fixture.h"

namespace section55::events {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;

class FollowerTest : public FollowerFixture {};

TEST_P(FollowerTest, HasTheEffectOfEveryEventInOrder) {
  Source source;
  source.Append("subjects/a", "1");
  source.Append("subjects/b", "2");
  const auto follower = MakeFollower(source.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("2"));
  source.Append("subjects/a", "3");
  ASSERT_TRUE(handled_.WaitFor("3"));
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3"));
  EXPECT_EQ(follower->source(), kSource);
  const admin::v1::FollowerStatus status = follower->Status();
  EXPECT_EQ(status.source(), kSource);
  EXPECT_EQ(status.position(), 3);
  EXPECT_EQ(status.source_head_position(), 3);
  EXPECT_TRUE(status.connected());
  EXPECT_EQ(status.parked_events(), 0);
  EXPECT_EQ(status.last_error(), "");
}

TEST_P(FollowerTest, KnowsThatItIsConnectedToAQuietFeed) {
  Source source;
  const auto follower = MakeFollower(source.Channel());
  EXPECT_FALSE(follower->Status().connected());
  follower->Start();
  EXPECT_TRUE(Eventually([&] { return follower->Status().connected(); }));
  follower->Stop();
  EXPECT_FALSE(follower->Status().connected());
}

// Failures before and after the effect, of the handler and of the database: the effect and the cursor stand or fall
// together.
TEST_P(FollowerTest, EffectAndCursorAreOne) {
  Source source;
  FlakyDatabase flaky(database());
  std::atomic<int> tries = 0;
  handled_.Before([&](const std::string& text) {
    return text == "2" && ++tries <= 2 ? absl::UnavailableError("before") : absl::OkStatus();
  });
  handled_.After([&](const std::string& text) {
    return text == "3" && ++tries <= 5 ? absl::AbortedError("after") : absl::OkStatus();
  });
  for (const char* text : {"1", "2", "3", "4"}) source.Append("subjects/a", text);
  const auto follower = MakeFollower(source.Channel(), &flaky);
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("4"));
  flaky.fail_before = true;
  source.Append("subjects/a", "5");
  ASSERT_TRUE(handled_.WaitFor("5"));
  flaky.fail_after = true;
  source.Append("subjects/a", "6");
  source.Append("subjects/a", "7");
  ASSERT_TRUE(handled_.WaitFor("7"));
  follower->Stop();
  EXPECT_FALSE(flaky.fail_before);
  EXPECT_FALSE(flaky.fail_after);
  EXPECT_GE(tries, 5);
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4", "5", "6", "7"));
  EXPECT_EQ(follower->Status().position(), 7);
}

TEST_P(FollowerTest, ASecondDeliveryChangesNothing) {
  absl::Notification done;
  std::atomic<int> streams = 0;
  ScriptedFeed feed([&](int64_t after, auto& writer) {
    if (++streams == 1) {
      writer.Write(ScriptedFeed::Positions({1, 2, 3}));
      writer.Write(ScriptedFeed::Positions({2, 3, 4}));
      writer.Write(ScriptedFeed::Positions({1}));
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting");
    }
    writer.Write(ScriptedFeed::Positions({1, 2, 3, 4, 5}));  // whatever was asked for
    done.WaitForNotification();
    return grpc::Status::OK;
  });
  FeedHost host(feed);
  const auto follower = MakeFollower(host.Channel());
  follower->Start();
  EXPECT_TRUE(handled_.WaitFor("5"));
  done.Notify();
  follower->Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4", "5"));
}

TEST_P(FollowerTest, AGapIsNeverPassed) {
  absl::Notification done;
  absl::Mutex mutex;
  std::vector<int64_t> asked;
  ScriptedFeed feed([&](int64_t after, auto& writer) {
    int stream = 0;
    {
      absl::MutexLock lock(&mutex);
      asked.push_back(after);
      stream = asked.size();
    }
    if (stream == 1) {
      writer.Write(ScriptedFeed::Positions({1, 2}));
      writer.Write(ScriptedFeed::Positions({4}));
      writer.Write(ScriptedFeed::Positions({5}));
    } else if (stream == 2) {
      writer.Write(ScriptedFeed::Positions({3, 5}));
    } else {
      writer.Write(ScriptedFeed::Positions({3, 4, 5}));
      done.WaitForNotification();
    }
    return grpc::Status::OK;
  });
  FeedHost host(feed);
  const auto follower = MakeFollower(host.Channel());
  follower->Start();
  EXPECT_TRUE(handled_.WaitFor("5"));
  done.Notify();
  follower->Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4", "5"));
  absl::MutexLock lock(&mutex);
  ASSERT_GE(asked.size(), 3u);
  EXPECT_THAT(std::vector<int64_t>(asked.begin(), asked.begin() + 3), ElementsAre(0, 2, 2));
}

// The second replica has read the cursor and receives its events only after the first has handled them.
TEST_P(FollowerTest, ALateReplicaHasNoSecondEffect) {
  absl::StatusOr<std::unique_ptr<db::Database>> other_database = db::Open(test_database().options());
  ASSERT_THAT(other_database, IsOk());
  absl::Notification late_is_open, first_is_done, end;
  ScriptedFeed late_feed([&](int64_t after, auto& writer) {
    EXPECT_EQ(after, 0);
    late_is_open.Notify();
    first_is_done.WaitForNotification();
    writer.Write(ScriptedFeed::Positions({1, 2, 3, 4}));
    end.WaitForNotification();
    return grpc::Status::OK;
  });
  ScriptedFeed first_feed([&](int64_t after, auto& writer) {
    late_is_open.WaitForNotification();
    writer.Write(ScriptedFeed::Positions({1, 2, 3}));
    end.WaitForNotification();
    return grpc::Status::OK;
  });
  FeedHost late_host(late_feed), first_host(first_feed);
  const auto late = MakeFollower(late_host.Channel(), other_database->get());
  const auto first = MakeFollower(first_host.Channel());
  late->Start();
  first->Start();
  EXPECT_TRUE(handled_.WaitFor("3"));
  first_is_done.Notify();
  EXPECT_TRUE(handled_.WaitFor("4"));
  end.Notify();
  late->Stop();
  first->Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4"));
}

TEST_P(FollowerTest, TwoReplicasHaveOneEffect) {
  constexpr int kEvents = 300;
  absl::StatusOr<std::unique_ptr<db::Database>> other_database = db::Open(test_database().options());
  ASSERT_THAT(other_database, IsOk());
  Source source;
  const auto one = MakeFollower(source.Channel());
  const auto two = MakeFollower(source.Channel(), other_database->get());
  one->Start();
  two->Start();
  std::vector<std::string> wanted;
  for (int i = 1; i <= kEvents; ++i) {
    wanted.push_back(std::to_string(i));
    source.Append("subjects/" + std::to_string(i % 7), wanted.back());
  }
  ASSERT_TRUE(handled_.WaitFor(std::to_string(kEvents)));
  one->Stop();
  two->Stop();
  EXPECT_EQ(Effects(database()), wanted);
}

TEST_P(FollowerTest, PassingErrorsAreTriedAgainAndShown) {
  Source source;
  source.Append("subjects/a", "1");
  absl::Notification shown;
  absl::Notification third_try;
  std::atomic<int> tries = 0;
  handled_.Before([&](const std::string& text) -> absl::Status {
    if (++tries < 5) return absl::DeadlineExceededError("too busy");
    if (tries == 5) {
      third_try.Notify();
      shown.WaitForNotification();
    }
    return absl::OkStatus();
  });
  const auto follower = MakeFollower(source.Channel());
  follower->Start();
  third_try.WaitForNotification();
  const admin::v1::FollowerStatus status = follower->Status();
  EXPECT_THAT(status.last_error(), HasSubstr("DEADLINE_EXCEEDED: too busy"));
  EXPECT_EQ(status.position(), 0);
  EXPECT_TRUE(status.connected());
  shown.Notify();
  ASSERT_TRUE(handled_.WaitFor("1"));
  EXPECT_TRUE(Eventually([&] { return follower->Status().last_error().empty(); }));
  EXPECT_THAT(Parked(), ::testing::IsEmpty());
  EXPECT_THAT(Effects(database()), ElementsAre("1"));
}

TEST_P(FollowerTest, StopsAmidPassingErrorsAndGoesOnWhereItStopped) {
  Source source;
  absl::Notification failed;
  handled_.Before([&](const std::string& text) -> absl::Status {
    if (text != "2") return absl::OkStatus();
    if (!failed.HasBeenNotified()) failed.Notify();
    return absl::UnavailableError("not now");
  });
  source.Append("subjects/a", "1");
  source.Append("subjects/a", "2");
  const auto follower = MakeFollower(source.Channel());
  follower->Start();
  failed.WaitForNotification();
  ASSERT_TRUE(handled_.WaitFor("1"));
  follower->Stop();
  EXPECT_EQ(follower->Status().position(), 1);
  handled_.Before(nullptr);
  source.Append("subjects/a", "3");
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("3"));
  follower->Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3"));

  const auto restarted = MakeFollower(source.Channel());  // a new process
  source.Append("subjects/a", "4");
  restarted->Start();
  ASSERT_TRUE(handled_.WaitFor("4"));
  restarted->Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4"));
}

TEST_P(FollowerTest, LogsWhenItsErrorBecomesAnother) {
  ::testing::internal::CaptureStderr();
  base::StartLog("response-authoring");
  std::atomic<int> tries = 0;
  absl::Notification second_is_said;
  ScriptedFeed feed([&](int64_t, grpc::ServerWriter<common::v1::FollowResponse>&) {
    const int attempt = ++tries;
    if (attempt == 8) {
      second_is_said.Notify();  // what came of the sixth has been noted since
    }
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, attempt < 6 ? "the first reason" : "the second reason");
  });
  const FeedHost host(feed);
  const auto follower = MakeFollower(host.Channel());
  follower->Start();
  second_is_said.WaitForNotification();
  follower->Stop();
  base::StopLog();
  const std::string log = ::testing::internal::GetCapturedStderr();
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count("the first reason"), 1) << log;
  EXPECT_EQ(count("the second reason"), 1) << log;
}

TEST_P(FollowerTest, SaysForHowLongItHasBeenBehind) {
  ScriptedFeed feed([&](int64_t, grpc::ServerWriter<common::v1::FollowResponse>&) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "away");
  });
  const FeedHost host(feed);
  const auto follower = MakeFollower(host.Channel());
  EXPECT_FALSE(follower->Status().has_behind_for()) << "another replica follows";
  follower->Start();
  const auto behind = [&] {
    return absl::Seconds(follower->Status().behind_for().seconds()) +
           absl::Nanoseconds(follower->Status().behind_for().nanos());
  };
  while (behind() < absl::Milliseconds(50)) {  // the test's own limit of time ends it otherwise
  }
  follower->Stop();
  EXPECT_FALSE(follower->Status().has_behind_for());

  Source source;
  source.Append("subjects/a", "1");
  const auto level = MakeFollower(source.Channel());
  level->Start();
  ASSERT_TRUE(handled_.WaitFor("1"));
  while (level->Status().behind_for().nanos() != 0 || !level->Status().connected()) {
  }
  level->Stop();
}

TEST_P(FollowerTest, OutlivesItsSource) {
  Source source;
  source.Append("subjects/a", "1");
  source.Stop();
  const auto follower = MakeFollower(source.Channel());
  follower->Start();
  EXPECT_TRUE(Eventually([&] { return follower->Status().last_error().starts_with("UNAVAILABLE"); }));
  EXPECT_FALSE(follower->Status().connected());
  source.Start();
  ASSERT_TRUE(handled_.WaitFor("1"));
  source.Stop();
  EXPECT_TRUE(Eventually([&] { return !follower->Status().connected() && !follower->Status().last_error().empty(); }));
  source.Start();
  source.Append("subjects/a", "2");
  ASSERT_TRUE(handled_.WaitFor("2"));
  EXPECT_TRUE(Eventually([&] { return follower->Status().last_error().empty(); }));
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2"));
}

TEST_P(FollowerTest, AHandlerMayAppendEventsOfItsOwn) {
  Source source;
  EventLog own(database());
  own.Start();
  Handlers handlers;
  handlers.On<google::protobuf::StringValue>([&](db::Transaction& tx, const Event& event, const auto& payload) {
    Origin origin = About("subjects/derived");
    origin.cause = event.event_id();
    return own.Append(tx, origin, Payload("from " + payload.value()));
  });
  Follower follower(kSource, source.Channel(), database(), clock_, queue_, handlers);
  follower.Start();
  source.Append("subjects/a", "1");
  ASSERT_TRUE(own.WaitBeyond(0, absl::Seconds(30)));
  const absl::StatusOr<EventLog::Page> page = own.Read(0, 10);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->events.size(), 1u);
  EXPECT_EQ(TextOf(page->events[0]), "from 1");
  follower.Stop();
}

SECTION55_ON_BOTH_ENGINES(FollowerTest);

}  // namespace
}  // namespace section55::events
