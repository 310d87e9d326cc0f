// EventFeed as its callers see it.
#include "libs/base/ids.h"
#include "libs/events/feed_service.h"
#include "tests/contract/events/follower_fixture.h"

namespace section55::events {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using testing::IsOk;
using testing::StatusIs;
using testing::TestServer;
using testing::ViolationOn;

constexpr char kOther[] = "response-authoring";
constexpr char kNorfolk[] = "bodies/norfolk-pcc";
constexpr char kSuffolk[] = "bodies/suffolk-pcc";

class FeedTest : public testing::OnBothEngines {
 protected:
  FeedTest() : OnBothEngines(Schemas()), log_(database()) {
    log_.Start();
    server_.Add<EventFeedService>(kEventFeedName, log_);
    server_.Start();
    feed_ = common::v1::EventFeed::NewStub(server_.channel());
  }
  ~FeedTest() override { log_.Stop(); }

  // Numbered when this returns.
  void Append(const std::string& text, const std::string& tenant = kNorfolk) {
    const int64_t before = log_.FindEnd()->head;
    ASSERT_THAT(AppendOne(log_, database(), "subjects/a", text, tenant), IsOk());
    ASSERT_TRUE(log_.WaitBeyond(before, absl::Seconds(30)));
  }
  void Append(int count) {
    for (int i = 1; i <= count; ++i) {
      Append(std::to_string(i));
    }
  }

  grpc::Status Refusal(const common::v1::FollowRequest& request, std::unique_ptr<grpc::ClientContext> context) {
    const auto reader = feed_->Follow(context.get(), request);
    common::v1::FollowResponse response;
    EXPECT_FALSE(reader->Read(&response));
    return reader->Finish();
  }
  static std::unique_ptr<grpc::ClientContext> Service() { return TestServer::AsService(kOther); }
  std::unique_ptr<grpc::ClientContext> Ann() { return server_.As("ann", {"author@bodies/norfolk-pcc"}); }
  std::unique_ptr<grpc::ClientContext> Auditor() { return server_.As("otto", {"auditor"}); }

  std::vector<int64_t> Kept() {
    std::vector<int64_t> positions;
    EXPECT_THAT(database().Read([&](db::Transaction& tx) {
      return tx.Query("SELECT position FROM events ORDER BY position", {},
                      [&](const db::Row& row) { positions.push_back(row.Int64(0)); });
    }),
                IsOk());
    return positions;
  }

  EventLog log_;
  TestServer server_;
  std::unique_ptr<common::v1::EventFeed::Stub> feed_;
};

TEST_P(FeedTest, FollowSendsWhatIsThereThenWhatComes) {
  Append(3);
  const auto context = Service();
  common::v1::FollowRequest request;
  request.set_after(1);
  const auto reader = feed_->Follow(context.get(), request);
  common::v1::FollowResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.events_size(), 0);
  EXPECT_EQ(response.head_position(), 3);
  const std::string incarnation = response.incarnation();
  EXPECT_EQ(incarnation.size(), 36u);
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(response.events(0).position(), 2);
  EXPECT_EQ(response.head_position(), 3);
  EXPECT_EQ(response.incarnation(), incarnation);
  ASSERT_THAT(AppendOne(log_, database(), "subjects/a", "4"), IsOk());
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.events_size(), 1);
  EXPECT_EQ(TextOf(response.events(0)), "4");
  EXPECT_EQ(response.head_position(), 4);
  log_.Stop();  // ends the stream, so that the follower goes elsewhere
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_THAT(reader->Finish(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(FeedTest, TheFirstMessageOfAQuietFeedComesAtOnce) {
  const auto context = Service();
  const auto reader = feed_->Follow(context.get(), {});
  common::v1::FollowResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.events_size(), 0);
  EXPECT_EQ(response.head_position(), 0);
  EXPECT_EQ(response.incarnation(), log_.FindEnd()->incarnation);
  context->TryCancel();
}

TEST_P(FeedTest, RefusesWhatIsNotACursorOfThisFeed) {
  Append(2);
  const std::string incarnation = log_.FindEnd()->incarnation;
  const std::string second = log_.Read(1, 1)->events[0].event_id();
  const auto refusal = [&](int64_t after, const std::string& feed, const std::string& event_id) {
    common::v1::FollowRequest request;
    request.set_after(after);
    request.set_incarnation(feed);
    request.set_after_event_id(event_id);
    return Refusal(request, Service());
  };
  EXPECT_THAT(refusal(3, incarnation, ""),
              AllOf(StatusIs(absl::StatusCode::kOutOfRange), HasReason("AFTER_BEYOND_END")));
  EXPECT_THAT(refusal(-1, "", ""), ViolationOn("after"));
  EXPECT_THAT(refusal(2, base::NewUuid(), second),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("OTHER_INCARNATION")));
  EXPECT_THAT(refusal(1, incarnation, second),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("OTHER_EVENT")));
  common::v1::FollowRequest request;
  EXPECT_THAT(Refusal(request, TestServer::AsService("stranger")), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Refusal(request, TestServer::AsNobody()), StatusIs(absl::StatusCode::kUnauthenticated));
  common::v1::ListEventsRequest list;
  common::v1::ListEventsResponse page;
  list.set_incarnation(base::NewUuid());
  EXPECT_THAT(feed_->ListEvents(Auditor().get(), list, &page), HasReason("OTHER_INCARNATION"));
  list.clear_incarnation();
  list.set_after(3);
  EXPECT_THAT(feed_->ListEvents(Auditor().get(), list, &page), HasReason("AFTER_BEYOND_END"));

  request.set_after(2);
  request.set_incarnation(incarnation);
  request.set_after_event_id(second);
  const auto context = Service();
  const auto reader = feed_->Follow(context.get(), request);
  common::v1::FollowResponse response;
  EXPECT_TRUE(reader->Read(&response));
  context->TryCancel();
}

TEST_P(FeedTest, ListEventsPages) {
  Append(3);
  common::v1::ListEventsRequest request;
  common::v1::ListEventsResponse response;
  request.set_page_size(2);
  ASSERT_THAT(feed_->ListEvents(Auditor().get(), request, &response), IsOk());
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(response.head_position(), 3);
  EXPECT_EQ(response.incarnation(), log_.FindEnd()->incarnation);
  request.set_after(2);
  ASSERT_THAT(feed_->ListEvents(Auditor().get(), request, &response), IsOk());
  ASSERT_EQ(response.events_size(), 1);
  EXPECT_EQ(TextOf(response.events(0)), "3");
  request.set_after(-1);
  request.set_page_size(-1);
  const grpc::Status refused = feed_->ListEvents(Auditor().get(), request, &response);
  EXPECT_THAT(refused, ViolationOn("after"));
  EXPECT_THAT(refused, ViolationOn("page_size"));
  EXPECT_THAT(feed_->ListEvents(server_.As("olga", {"operator"}).get(), request, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

// A body's people follow its own events; that those of others do not come is seen by what comes next.
TEST_P(FeedTest, ABodysPeopleFollowItsOwnEvents) {
  Append("s1", kSuffolk);
  Append("n1");
  Append("national", "");
  Append("s2", kSuffolk);
  Append("n2");
  common::v1::FollowRequest request;
  request.set_parent(kNorfolk);
  const auto context = Ann();
  const auto reader = feed_->Follow(context.get(), request);
  std::vector<std::string> texts;
  std::vector<int64_t> positions;
  common::v1::FollowResponse response;
  const auto read_until = [&](const std::string& text) {
    while (texts.empty() || texts.back() != text) {
      ASSERT_TRUE(reader->Read(&response));
      for (const Event& event : response.events()) {
        EXPECT_EQ(event.tenant(), kNorfolk);
        texts.push_back(TextOf(event));
        positions.push_back(event.position());
      }
    }
  };
  read_until("n2");
  Append("s3", kSuffolk);
  Append("s4", kSuffolk);
  Append("n3");
  read_until("n3");
  EXPECT_THAT(texts, ElementsAre("n1", "n2", "n3"));
  EXPECT_THAT(positions, ElementsAre(2, 5, 8));
  context->TryCancel();

  common::v1::ListEventsRequest list;
  list.set_parent(kNorfolk);
  list.set_page_size(1);
  list.set_after(2);
  common::v1::ListEventsResponse page;
  ASSERT_THAT(feed_->ListEvents(Ann().get(), list, &page), IsOk());
  ASSERT_EQ(page.events_size(), 1);
  EXPECT_EQ(TextOf(page.events(0)), "n2");
  EXPECT_EQ(page.head_position(), 8);
}

TEST_P(FeedTest, NobodyFollowsWhatIsNotTheirs) {
  Append(1);
  const auto as = [&](const std::string& parent, std::unique_ptr<grpc::ClientContext> context) {
    common::v1::FollowRequest request;
    request.set_parent(parent);
    common::v1::ListEventsRequest list;
    list.set_parent(parent);
    return Refusal(request, std::move(context));
  };
  EXPECT_THAT(as(kSuffolk, Ann()), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_FALSE(as("", Ann()).ok());
  EXPECT_FALSE(as("bodies/-", Ann()).ok());
  EXPECT_THAT(as("bodies/norfolk-pcc/responses/one", Ann()), ViolationOn("parent"));
  EXPECT_THAT(as(kNorfolk, server_.As("cara", {"contributor@forces/norfolk"})),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(as("forces/norfolk", Service()), ViolationOn("parent"));
  EXPECT_THAT(as("bodies/-", Service()), ViolationOn("parent"));
  EXPECT_THAT(as("bodies/-", Auditor()), ViolationOn("parent"));
}

TEST_P(FeedTest, OldEventsArePrunedButNeverWhatAFollowerNeeds) {
  Append(6);
  const absl::Time old = About("x").time + absl::Hours(100);
  EXPECT_EQ(*log_.Prune(old, absl::Hours(101), 10), 0) << "they are young";
  {
    common::v1::FollowRequest request;
    request.set_after(4);
    const auto context = Service();
    const auto reader = feed_->Follow(context.get(), request);
    common::v1::FollowResponse response;
    ASSERT_TRUE(reader->Read(&response));
    context->TryCancel();
  }
  EXPECT_EQ(*log_.Prune(old, absl::Hours(99), 2), 2) << "in bounded batches";
  EXPECT_THAT(Kept(), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(*log_.Prune(old, absl::Hours(99), 100), 1);
  EXPECT_THAT(Kept(), ElementsAre(4, 5, 6)) << "the event at its position tells which feed it is";
  EXPECT_EQ(*log_.Prune(old, absl::Hours(99), 100), 0);

  common::v1::FollowRequest request;
  request.set_after(2);
  const grpc::Status pruned = Refusal(request, Service());
  EXPECT_THAT(pruned, AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("EVENTS_PRUNED")));
  EXPECT_EQ(base::ErrorInfoOf(rpc::FromGrpc(pruned)).metadata().at("first_position"), "4");
  request.set_parent(kNorfolk);
  EXPECT_THAT(Refusal(request, Ann()), HasReason("EVENTS_PRUNED"));
  EXPECT_THAT(log_.Read(2, 10), HasReason("EVENTS_PRUNED"));
  EXPECT_EQ(log_.Read(3, 10)->events.size(), 3u);

  // A person who follows is not waited for, and the last event stays.
  ASSERT_THAT(log_.Register(kOther, 6), IsOk());
  EXPECT_EQ(*log_.Prune(old, absl::Hours(99), 100), 2);
  EXPECT_THAT(Kept(), ElementsAre(6));
  ASSERT_THAT(log_.Register(kOther, 99), IsOk());
  EXPECT_EQ(*log_.Prune(old, absl::Hours(99), 100), 0);
  Append("7");
  EXPECT_EQ(log_.Read(6, 10)->events.size(), 1u);
}

TEST_P(FeedTest, PruningStopsAtTheFirstYoungEvent) {
  const absl::Time start = About("x").time;
  for (const int hour : {0, 5, 1}) {
    Origin origin = About("subjects/a");
    origin.time = start + absl::Hours(hour);
    ASSERT_THAT(database().Write([&](db::Transaction& tx) { return log_.Append(tx, origin, Payload("x")); }), IsOk());
  }
  Append("last");
  ASSERT_TRUE(log_.WaitBeyond(3, absl::Seconds(30)));
  EXPECT_EQ(*log_.Prune(start + absl::Hours(6), absl::Hours(3), 100), 1);
  EXPECT_THAT(Kept(), ElementsAre(2, 3, 4));
}

SECTION55_ON_BOTH_ENGINES(FeedTest);

}  // namespace
}  // namespace section55::events
