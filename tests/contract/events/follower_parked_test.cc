// Events that cannot be handled: put aside with those behind them, and handled again when an operator says so.
#include <atomic>
#include <new>
#include <optional>
#include <set>
#include <thread>

#include "tests/contract/events/follower_fixture.h"

namespace section55::events {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

class ParkedTest : public FollowerFixture {
 protected:
  // Refuses the events with these texts.
  void Poison(std::set<std::string> texts) {
    handled_.After([texts](const std::string& text) {
      return texts.contains(text) ? absl::InvalidArgumentError("cannot read " + text) : absl::OkStatus();
    });
  }

  std::vector<std::string> ParkedNames() {
    std::vector<std::string> names;
    for (const admin::v1::ParkedEvent& event : Parked()) names.push_back(event.name());
    return names;
  }

  Source source_;
};

TEST_P(ParkedTest, ThePoisonedSubjectWaitsAndTheOthersGoOn) {
  Poison({"b1"});
  for (const char* text : {"a1", "b1", "a2", "b2", "c1"}) source_.Append(std::string("subjects/") + text[0], text);
  const auto follower = MakeFollower(source_.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("c1"));
  source_.Append("subjects/b", "b3");
  source_.Append("subjects/a", "a3");
  ASSERT_TRUE(handled_.WaitFor("a3"));
  EXPECT_THAT(Effects(database()), ElementsAre("a1", "a2", "c1", "a3"));

  const std::vector<admin::v1::ParkedEvent> parked = Parked();
  ASSERT_EQ(parked.size(), 3u);
  EXPECT_EQ(parked[0].name(), "parkedEvents/inspection-registry-2");
  EXPECT_EQ(parked[0].source(), kSource);
  EXPECT_EQ(parked[0].position(), 2);
  EXPECT_EQ(parked[0].type(), "google.protobuf.StringValue");
  EXPECT_EQ(parked[0].subject(), "subjects/b");
  EXPECT_EQ(parked[0].error(), "INVALID_ARGUMENT: cannot read b1");
  EXPECT_EQ(parked[0].parked_time().seconds(), 1'767'258'000);
  EXPECT_EQ(parked[0].attempts(), 1);
  EXPECT_EQ(parked[1].position(), 4);
  EXPECT_EQ(parked[1].attempts(), 0);
  EXPECT_THAT(parked[1].error(), HasSubstr("behind"));
  EXPECT_EQ(parked[2].position(), 6);
  const admin::v1::FollowerStatus status = follower->Status();
  EXPECT_EQ(status.position(), 7);
  EXPECT_EQ(status.parked_events(), 3);
  EXPECT_EQ(status.last_error(), "");
}

TEST_P(ParkedTest, NothingInAnErrorHindersTheParking) {
  handled_.Before([](const std::string& text) {
    return text == "a1" ? absl::InternalError(std::string("\xff\0\n", 3) + std::string(5000, 'x')) : absl::OkStatus();
  });
  source_.Append("subjects/a", "a1");
  source_.Append("subjects/b", "b1");
  const auto follower = MakeFollower(source_.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("b1"));
  EXPECT_THAT(ParkedNames(), ElementsAre("parkedEvents/inspection-registry-1"));
}

TEST_P(ParkedTest, RetryHandlesTheSubjectInOrder) {
  Poison({"b1"});
  for (const char* text : {"b1", "b2", "b3", "a1"}) source_.Append(std::string("subjects/") + text[0], text);
  const auto follower = MakeFollower(source_.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("a1"));

  EXPECT_THAT(follower->RetryParked(1),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("STILL_FAILING")));
  EXPECT_THAT(follower->RetryParked(2),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("EARLIER_EVENT_PARKED")));
  EXPECT_THAT(follower->RetryParked(4), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Effects(database()), ElementsAre("a1"));
  ASSERT_EQ(Parked().size(), 3u);
  EXPECT_EQ(Parked()[0].attempts(), 2);
  EXPECT_EQ(Parked()[1].attempts(), 0);

  Poison({"b3"});
  absl::StatusOr<int> handled = follower->RetryParked(1);
  ASSERT_THAT(handled, IsOk());
  EXPECT_EQ(*handled, 2);
  EXPECT_THAT(Effects(database()), ElementsAre("a1", "b1", "b2"));
  ASSERT_THAT(ParkedNames(), ElementsAre("parkedEvents/inspection-registry-3"));
  EXPECT_EQ(Parked()[0].error(), "INVALID_ARGUMENT: cannot read b3");
  EXPECT_EQ(Parked()[0].attempts(), 1);
  EXPECT_THAT(follower->RetryParked(1), StatusIs(absl::StatusCode::kNotFound));

  Poison({});
  handled = follower->RetryParked(3);
  ASSERT_THAT(handled, IsOk());
  EXPECT_EQ(*handled, 1);
  source_.Append("subjects/b", "b4");  // nothing in front of it any more
  ASSERT_TRUE(handled_.WaitFor("b4"));
  EXPECT_THAT(Effects(database()), ElementsAre("a1", "b1", "b2", "b3", "b4"));
  EXPECT_THAT(ParkedNames(), IsEmpty());
  EXPECT_EQ(follower->Status().parked_events(), 0);
}

// An event that arrives while the last parked one of its subject is being handled comes after it, and is not left
// behind.
TEST_P(ParkedTest, AnEventThatArrivesDuringARetryComesAfterIt) {
  Poison({"b1"});
  source_.Append("subjects/b", "b1");
  source_.Append("subjects/a", "a1");
  const auto follower = MakeFollower(source_.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("a1"));
  std::atomic<bool> first_try = true;
  handled_.After([&](const std::string& text) {
    if (text != "b1" || !first_try.exchange(false)) return absl::OkStatus();
    source_.Append("subjects/b", "b2");
    // From another thread, as this one is inside a transaction. The follower receives b2, and gets time to park it if
    // nothing keeps it from that.
    std::thread([&] {
      EXPECT_TRUE(Eventually([&] { return follower->Status().source_head_position() == 3; }));
      for (int i = 0; i < 50; ++i) follower->Status();
    }).join();
    return absl::OkStatus();
  });
  const absl::StatusOr<int> handled = follower->RetryParked(1);
  ASSERT_THAT(handled, IsOk());
  EXPECT_EQ(*handled, 1);
  ASSERT_TRUE(handled_.WaitFor("b2"));
  EXPECT_THAT(Effects(database()), ElementsAre("a1", "b1", "b2"));
  EXPECT_THAT(ParkedNames(), IsEmpty());
}

TEST_P(ParkedTest, RetryIsOneTransactionWithItsEffect) {
  Poison({"b1"});
  FlakyDatabase flaky(database());
  source_.Append("subjects/b", "b1");
  source_.Append("subjects/a", "a1");
  const auto follower = MakeFollower(source_.Channel(), &flaky);
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("a1"));
  follower->Stop();
  Poison({});
  flaky.fail_before = true;
  EXPECT_THAT(follower->RetryParked(1), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Effects(database()), ElementsAre("a1"));
  flaky.fail_after = true;
  EXPECT_THAT(follower->RetryParked(1), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(follower->RetryParked(1), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Effects(database()), ElementsAre("a1", "b1"));
}

// Whatever says that this event cannot be handled, nobody else waits for it.
TEST_P(ParkedTest, EveryFailureOfTheEventItselfIsPutAside) {
  handled_.Before([](const std::string& text) -> absl::Status {
    if (text == "exhausted") {
      return absl::ResourceExhaustedError("too large");
    }
    if (text == "internal") {
      return absl::InternalError("broken");
    }
    if (text == "unknown") {
      return absl::UnknownError("who knows");
    }
    if (text == "memory") {
      throw std::bad_alloc();
    }
    return absl::OkStatus();
  });
  for (const char* text : {"exhausted", "internal", "unknown", "memory", "last"}) {
    source_.Append(std::string("subjects/") + text, text);
  }
  const auto follower = MakeFollower(source_.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("last"));
  EXPECT_EQ(Parked().size(), 4u);
  EXPECT_EQ(follower->Status().parked_events(), 4);
}

// By itself, with growing pauses, until it can be handled; those of its subject follow in order.
TEST_P(ParkedTest, WhatIsPutAsideIsTriedAgainByItself) {
  Poison({"b1"});
  for (const char* text : {"b1", "b2", "b3", "a1"}) {
    source_.Append(std::string("subjects/") + text[0], text);
  }
  const auto follower = MakeFollower(source_.Channel());
  queue_.Start();
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("a1"));
  const absl::Time parked = clock_.Now();
  const auto next_try = [&] { return Parked()[0].next_try_time().seconds() - absl::ToUnixSeconds(parked); };
  const auto attempts = [&](int wanted) {
    return Eventually([&] {
      const auto jobs = queue_.List("", false, {}, 10);
      return Parked()[0].attempts() == wanted && jobs->size() == 1 && jobs->front().holder().empty() &&
             jobs->front().attempts() == wanted - 1;
    });
  };
  ASSERT_TRUE(attempts(1));
  EXPECT_EQ(next_try(), 1);
  EXPECT_EQ(Parked()[0].tenant(), "bodies/norfolk-pcc");
  EXPECT_FALSE(Parked()[1].has_next_try_time()) << "it waits for the first";
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(attempts(2));
  EXPECT_EQ(next_try(), 2);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(attempts(3));
  EXPECT_EQ(next_try(), 4);
  const auto jobs = queue_.List("bodies/norfolk-pcc", false, {}, 10);
  ASSERT_THAT(jobs, IsOk());
  ASSERT_EQ(jobs->size(), 1u);
  EXPECT_EQ(jobs->front().kind(), "parked-event-inspection-registry");
  EXPECT_EQ(jobs->front().key(), "parkedEvents/inspection-registry-1");

  Poison({});
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(handled_.WaitFor("b3"));
  EXPECT_THAT(Effects(database()), ElementsAre("a1", "b1", "b2", "b3"));
  EXPECT_TRUE(Eventually([&] { return queue_.Count()->waiting == 0; }));
  EXPECT_THAT(ParkedNames(), IsEmpty());
  follower->Stop();
  queue_.Stop();
}

TEST_P(ParkedTest, TheNextOfASubjectThatFailsHasAJobOfItsOwn) {
  Poison({"b1", "b3"});
  for (const char* text : {"b1", "b2", "b3", "b4", "a1"}) {
    source_.Append(std::string("subjects/") + text[0], text);
  }
  const auto follower = MakeFollower(source_.Channel());
  queue_.Start();
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("a1"));
  Poison({"b3"});
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(handled_.WaitFor("b2"));
  EXPECT_TRUE(Eventually([&] { return Parked().size() == 2 && Parked()[0].attempts() == 1; }));
  EXPECT_TRUE(Eventually([&] { return queue_.Count()->waiting == 1; }));
  Poison({});
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(handled_.WaitFor("b4"));
  EXPECT_THAT(Effects(database()), ElementsAre("a1", "b1", "b2", "b3", "b4"));
  follower->Stop();
  queue_.Stop();
}

TEST_P(ParkedTest, ARetryByHandEndsTheJob) {
  Poison({"b1"});
  source_.Append("subjects/b", "b1");
  source_.Append("subjects/a", "a1");
  const auto follower = MakeFollower(source_.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("a1"));
  EXPECT_EQ(queue_.Count()->waiting, 1);
  Poison({});
  ASSERT_THAT(follower->RetryParked(1), IsOk());
  EXPECT_EQ(queue_.Count()->waiting, 0);
}

TEST_P(ParkedTest, ADamagedParkedEventIsNeverHandled) {
  Poison({"b1"});
  source_.Append("subjects/b", "b1");
  source_.Append("subjects/a", "a1");
  const auto follower = MakeFollower(source_.Channel());
  follower->Start();
  ASSERT_TRUE(handled_.WaitFor("a1"));
  Poison({});
  ASSERT_THAT(database().Write([](db::Transaction& tx) {
    return tx.Execute("UPDATE parked_events SET checksum = checksum + 1").status();
  }),
              IsOk());
  EXPECT_THAT(follower->RetryParked(1), HasReason("STILL_FAILING"));
  EXPECT_THAT(Parked()[0].error(), HasSubstr("DATA_LOSS"));
  EXPECT_THAT(Effects(database()), ElementsAre("a1"));
}

TEST(ParkedNameTest, HasOneForm) {
  const std::optional<ParkedKey> key = ParseParkedName("parkedEvents/inspection-registry-17");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->source, "inspection-registry");
  EXPECT_EQ(key->position, 17);
  EXPECT_EQ(ParkedName(key->source, key->position), "parkedEvents/inspection-registry-17");
  for (const char* other :
       {"", "parkedEvents/", "parkedEvents/17", "parkedEvents/a-", "parkedEvents/a-017", "parkedEvents/a-+1",
        "parkedEvents/a-1 ", "parkedEvents/-1", "events/a-1", "parkedEvents/a-99999999999999999999"}) {
    EXPECT_FALSE(ParseParkedName(other)) << other;
  }
}

SECTION55_ON_BOTH_ENGINES(ParkedTest);

}  // namespace
}  // namespace section55::events
