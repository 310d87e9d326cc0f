// Feeds that are not what they were, and events of a newer program: nothing is passed over.
#include <thread>

#include "libs/base/ids.h"
#include "tests/contract/events/follower_fixture.h"

namespace section55::events {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::StartsWith;
using testing::StatusIs;

class FollowerFeedTest : public FollowerFixture {
 protected:
  // Has followed "1" to "5" of the source and stopped.
  void FollowFive() {
    for (int i = 1; i <= 5; ++i) {
      source_.Append("subjects/a", std::to_string(i));
    }
    follower_ = MakeFollower(source_.Channel());
    follower_->Start();
    ASSERT_TRUE(handled_.WaitFor("5"));
    follower_->Stop();
  }

  bool WaitForError(const std::string& text) {
    return Eventually([&] { return follower_->Status().last_error().find(text) != std::string::npos; });
  }

  // The source is put back to the first `count` events and numbers on from there.
  void RestoreTo(int count) {
    source_.Stop();
    source_.Execute("DELETE FROM events WHERE position > " + std::to_string(count));
    source_.Execute("UPDATE event_sequence SET next_position = " + std::to_string(count + 1));
    source_.Start();
  }

  Source source_;
  std::unique_ptr<Follower> follower_;
};

TEST_P(FollowerFeedTest, RemembersWhichFeedItFollowsAndHowFar) {
  FollowFive();
  std::optional<Cursor> cursor;
  ASSERT_THAT(database().Read([&](db::Transaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(cursor, ReadCursor(tx, kSource));
    return absl::OkStatus();
  }),
              IsOk());
  ASSERT_TRUE(cursor);
  EXPECT_EQ(cursor->position, 5);
  EXPECT_EQ(cursor->incarnation, source_.log().FindEnd()->incarnation);
  EXPECT_EQ(cursor->last_event_id, source_.log().Read(4, 1)->events[0].event_id());
  EXPECT_EQ(follower_->Status().incarnation(), cursor->incarnation);
}

TEST_P(FollowerFeedTest, AFeedShorterThanTheCursorIsAComplaint) {
  FollowFive();
  RestoreTo(3);
  follower_->Start();
  EXPECT_TRUE(WaitForError("OUT_OF_RANGE"));
  EXPECT_FALSE(follower_->Status().connected());
  follower_->Stop();
  EXPECT_EQ(follower_->Status().position(), 5);
}

// The restored source has grown beyond the cursor: by its length nothing is wrong.
TEST_P(FollowerFeedTest, ARestoredFeedThatGrewBeyondTheCursorIsAComplaintUntilItIsAccepted) {
  FollowFive();
  RestoreTo(3);
  for (const char* text : {"4 anew", "5 anew", "6 anew"}) {
    source_.Append("subjects/a", text);
  }
  ASSERT_TRUE(source_.log().WaitBeyond(5, absl::Seconds(30)));
  follower_->Start();
  EXPECT_TRUE(WaitForError("FAILED_PRECONDITION: The event at 5 is"));
  EXPECT_EQ(follower_->Status().position(), 5);
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4", "5"));

  ASSERT_THAT(follower_->AcceptFeed(3), IsOk());
  ASSERT_TRUE(handled_.WaitFor("6 anew"));
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4", "5", "4 anew", "5 anew", "6 anew"));
  EXPECT_TRUE(Eventually([&] { return follower_->Status().last_error().empty(); }));
  EXPECT_THAT(follower_->AcceptFeed(3),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("FEED_ACCEPTED")));
}

TEST_P(FollowerFeedTest, AnotherIncarnationIsAComplaintAlsoBeforeTheFirstEvent) {
  follower_ = MakeFollower(source_.Channel());
  follower_->Start();
  EXPECT_TRUE(Eventually([&] { return follower_->Status().connected(); }));
  follower_->Stop();
  source_.Execute("UPDATE event_sequence SET incarnation = '" + base::NewUuid() + "'");
  source_.Append("subjects/a", "1");
  follower_->Start();
  EXPECT_TRUE(WaitForError("FAILED_PRECONDITION: This feed is"));
  // It stays an error when the source goes away.
  source_.Stop();
  EXPECT_TRUE(WaitForError("This feed is"));
  source_.Start();
  EXPECT_THAT(Effects(database()), IsEmpty());
  ASSERT_THAT(follower_->AcceptFeed(0), IsOk());
  EXPECT_TRUE(handled_.WaitFor("1"));
}

// A source that does not check what it is sent is checked here.
TEST_P(FollowerFeedTest, ASourceThatSaysNothingAboutItsFeedIsFoundOut) {
  std::atomic<int> streams = 0;
  ScriptedFeed feed([&](int64_t after, auto& writer) {
    auto response = ScriptedFeed::Positions({after + 1});
    if (++streams > 1) {
      response.set_incarnation(base::NewUuid());
    }
    writer.Write(response);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting");
  });
  FeedHost host(feed);
  follower_ = MakeFollower(host.Channel());
  follower_->Start();
  ASSERT_TRUE(handled_.WaitFor("1"));
  EXPECT_TRUE(WaitForError("FAILED_PRECONDITION: The source offers the feed"));
  follower_->Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1"));
}

// What was parked from beyond the accepted position is gone with its feed; what was parked before stays.
TEST_P(FollowerFeedTest, AcceptingAFeedForgetsWhatWasParkedBeyond) {
  handled_.Before([](const std::string& text) {
    return text == "2" || text == "5" ? absl::InternalError("no") : absl::OkStatus();
  });
  for (int i = 1; i <= 5; ++i) {
    source_.Append("subjects/" + std::to_string(i), std::to_string(i));
  }
  follower_ = MakeFollower(source_.Channel());
  follower_->Start();
  EXPECT_TRUE(Eventually([&] { return follower_->Status().position() == 5; }));
  follower_->Stop();
  ASSERT_EQ(Parked().size(), 2u);
  RestoreTo(3);
  source_.Append("subjects/4", "4 anew");
  follower_->Start();
  EXPECT_TRUE(WaitForError("OUT_OF_RANGE"));
  ASSERT_THAT(follower_->AcceptFeed(3), IsOk());
  ASSERT_TRUE(handled_.WaitFor("4 anew"));
  source_.Append("subjects/5", "5 anew");
  ASSERT_TRUE(handled_.WaitFor("5 anew"));
  ASSERT_EQ(Parked().size(), 1u);
  EXPECT_EQ(Parked()[0].position(), 2);
  EXPECT_EQ(queue_.Count()->waiting, 1);
}

TEST_P(FollowerFeedTest, PrunedEventsAreAComplaint) {
  FollowFive();
  for (int i = 6; i <= 9; ++i) {
    source_.Append("subjects/a", std::to_string(i));
  }
  ASSERT_TRUE(source_.log().WaitBeyond(8, absl::Seconds(30)));
  source_.Execute("DELETE FROM events WHERE position <= 7");
  follower_->Start();
  EXPECT_TRUE(WaitForError("the feed begins at 8 now"));
  ASSERT_THAT(follower_->AcceptFeed(7), IsOk());
  EXPECT_TRUE(handled_.WaitFor("9"));
  EXPECT_THAT(Effects(database()), ElementsAre("1", "2", "3", "4", "5", "8", "9"));
}

TEST_P(FollowerFeedTest, TheSourceKeepsWhatItsFollowerNeeds) {
  FollowFive();
  follower_->Start();  // says that it has come to 5
  EXPECT_TRUE(Eventually([&] { return follower_->Status().connected(); }));
  follower_->Stop();
  for (int i = 6; i <= 9; ++i) {
    source_.Append("subjects/a", std::to_string(i));
  }
  ASSERT_TRUE(source_.log().WaitBeyond(8, absl::Seconds(30)));
  EXPECT_EQ(*source_.log().Prune(absl::InfiniteFuture(), absl::Hours(1), 100), 4);
  follower_->Start();
  EXPECT_TRUE(handled_.WaitFor("9"));
  EXPECT_EQ(follower_->Status().position(), 9);
}

// Deployed in the other order: the older program waits for its successor.
TEST_P(FollowerFeedTest, AnUnknownTypeIsWaitedAt) {
  google::protobuf::Int32Value unknown;
  google::protobuf::BoolValue ignored;
  source_.Append("subjects/a", "1");
  for (const google::protobuf::Message* payload :
       {static_cast<google::protobuf::Message*>(&ignored), static_cast<google::protobuf::Message*>(&unknown)}) {
    ASSERT_THAT(source_.database().Write(
                    [&](db::Transaction& tx) { return source_.log().Append(tx, About("subjects/b"), *payload); }),
                IsOk());
  }
  source_.Append("subjects/c", "4");
  ASSERT_TRUE(source_.log().WaitBeyond(3, absl::Seconds(30)));  // so that they come together
  follower_ = MakeFollower(source_.Channel());
  follower_->Start();
  EXPECT_TRUE(WaitForError("sends google.protobuf.Int32Value version 1, which this program does not know"));
  EXPECT_EQ(follower_->Status().position(), 2) << "what stands before it is handled";
  EXPECT_THAT(Parked(), IsEmpty());
  follower_->Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1"));

  Handlers newer = handled_.Handlers();
  newer.On<google::protobuf::Int32Value>(
      [](db::Transaction& tx, const Event&, const google::protobuf::Int32Value&) { return AddEffect(tx, "b", "3"); });
  Follower successor(kSource, source_.Channel(), database(), clock_, queue_, newer);
  successor.Start();
  ASSERT_TRUE(handled_.WaitFor("4"));
  successor.Stop();
  EXPECT_THAT(Effects(database()), ElementsAre("1", "3", "4"));
}

TEST_P(FollowerFeedTest, ANewerVersionIsWaitedAt) {
  source_.Append("subjects/a", "1");
  Origin origin = About("subjects/a");
  origin.schema_version = 2;
  ASSERT_THAT(source_.database().Write(
                  [&](db::Transaction& tx) { return source_.log().Append(tx, origin, Payload("2, newer")); }),
              IsOk());
  follower_ = MakeFollower(source_.Channel());
  follower_->Start();
  EXPECT_TRUE(WaitForError("sends google.protobuf.StringValue version 2"));
  EXPECT_THAT(follower_->Status().last_error(), StartsWith("UNIMPLEMENTED"));
  EXPECT_TRUE(follower_->Status().waits_for_newer_program());
  EXPECT_EQ(follower_->Status().position(), 1);
  follower_->Stop();
  Follower successor(kSource, source_.Channel(), database(), clock_, queue_, handled_.Handlers(2));
  successor.Start();
  EXPECT_TRUE(handled_.WaitFor("2, newer"));
  successor.Stop();
}

SECTION55_ON_BOTH_ENGINES(FollowerFeedTest);

}  // namespace
}  // namespace section55::events
