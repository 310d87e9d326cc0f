// EventFeed, Admin and DrivenClock as their callers see them.
#include "libs/events/services.h"

#include "google/protobuf/util/time_util.h"
#include "tests/contract/events/follower_fixture.h"

namespace section55::events {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasReason;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;
using testing::TestServer;
using testing::ViolationOn;

constexpr char kOther[] = "response-authoring";

class EventServicesTest : public testing::OnBothEngines {
 protected:
  EventServicesTest() : OnBothEngines(Schemas()), log_(database()) {
    followers_.push_back(
        std::make_unique<Follower>(kSource, grpc::CreateChannel("unix:/nowhere", grpc::InsecureChannelCredentials()),
                                   database(), server_.clock(), handled_.Handler()));
    log_.Start();
    server_.Add<EventFeedService>(kEventFeedName, log_);
    server_.Add<AdminService>(kAdminName, "publication", server_.clock(), database(), log_,
                              std::vector<Follower*>{followers_[0].get()});
    server_.Add<DrivenClockService>(kDrivenClockName, server_.clock());
    server_.Start();
    feed_ = common::v1::EventFeed::NewStub(server_.channel());
    admin_ = admin::v1::Admin::NewStub(server_.channel());
    clock_ = admin::v1::DrivenClock::NewStub(server_.channel());
  }
  ~EventServicesTest() override { log_.Stop(); }

  void Append(int count) {
    for (int i = 1; i <= count; ++i) {
      ASSERT_THAT(AppendOne(log_, database(), "subjects/a", std::to_string(i)), IsOk());
    }
    ASSERT_TRUE(log_.WaitBeyond(count - 1, absl::Seconds(30)));
  }

  void ParkOne(const std::string& source, int64_t position) {
    ASSERT_THAT(database().Write([&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(BeginCursor(tx, source));
      return Park(tx, source, ScriptedFeed::Positions({position}).events(0), "NOT_FOUND: no such body", 1,
                  server_.clock().Now());
    }),
                IsOk());
  }

  std::unique_ptr<grpc::ClientContext> Operator() { return server_.As("olga", {"operator"}); }

  EventLog log_;
  Handled handled_;
  std::vector<std::unique_ptr<Follower>> followers_;
  TestServer server_;
  std::unique_ptr<common::v1::EventFeed::Stub> feed_;
  std::unique_ptr<admin::v1::Admin::Stub> admin_;
  std::unique_ptr<admin::v1::DrivenClock::Stub> clock_;
};

TEST_P(EventServicesTest, FollowSendsWhatIsThereThenWhatComes) {
  Append(3);
  const auto context = TestServer::AsService(kOther);
  common::v1::FollowRequest request;
  request.set_after(1);
  const auto reader = feed_->Follow(context.get(), request);
  reader->WaitForInitialMetadata();
  const auto head = context->GetServerInitialMetadata().find(kFeedHeadKey);
  ASSERT_NE(head, context->GetServerInitialMetadata().end());
  EXPECT_EQ(head->second, "3");
  common::v1::FollowResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(response.events(0).position(), 2);
  EXPECT_EQ(response.head_position(), 3);
  ASSERT_THAT(AppendOne(log_, database(), "subjects/a", "4"), IsOk());
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.events_size(), 1);
  EXPECT_EQ(TextOf(response.events(0)), "4");
  EXPECT_EQ(response.head_position(), 4);
  log_.Stop();  // ends the stream, so that the follower goes elsewhere
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_THAT(reader->Finish(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(EventServicesTest, FollowRefusesWhatIsNotACursorOfThisFeed) {
  Append(2);
  const auto refusal = [&](int64_t after, std::unique_ptr<grpc::ClientContext> context) {
    common::v1::FollowRequest request;
    request.set_after(after);
    const auto reader = feed_->Follow(context.get(), request);
    common::v1::FollowResponse response;
    EXPECT_FALSE(reader->Read(&response));
    return reader->Finish();
  };
  EXPECT_THAT(refusal(3, TestServer::AsService(kOther)),
              AllOf(StatusIs(absl::StatusCode::kOutOfRange), HasReason("AFTER_BEYOND_END")));
  EXPECT_THAT(refusal(-1, TestServer::AsService(kOther)), ViolationOn("after"));
  EXPECT_THAT(refusal(0, TestServer::AsService("stranger")), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(refusal(0, TestServer::AsNobody()), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_P(EventServicesTest, ListEventsPages) {
  Append(3);
  common::v1::ListEventsRequest request;
  common::v1::ListEventsResponse response;
  request.set_page_size(2);
  ASSERT_THAT(feed_->ListEvents(server_.As("otto", {"auditor"}).get(), request, &response), IsOk());
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(response.head_position(), 3);
  request.set_after(2);
  ASSERT_THAT(feed_->ListEvents(server_.As("otto", {"auditor"}).get(), request, &response), IsOk());
  ASSERT_EQ(response.events_size(), 1);
  EXPECT_EQ(TextOf(response.events(0)), "3");
  request.set_after(-1);
  request.set_page_size(-1);
  const grpc::Status refused = feed_->ListEvents(server_.As("otto", {"auditor"}).get(), request, &response);
  EXPECT_THAT(refused, ViolationOn("after"));
  EXPECT_THAT(refused, ViolationOn("page_size"));
  EXPECT_THAT(feed_->ListEvents(Operator().get(), request, &response), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_P(EventServicesTest, StatusSaysHowThingsStand) {
  Append(2);
  ParkOne(kSource, 4);
  admin::v1::Status status;
  server_.clock().Advance(absl::Hours(1));
  ASSERT_THAT(admin_->GetStatus(Operator().get(), {}, &status), IsOk());
  EXPECT_EQ(status.service(), "publication");
  EXPECT_THAT(status.version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_EQ(status.current_time().seconds() - status.start_time().seconds(), 3600);
  EXPECT_EQ(status.database_engine(), GetParam() == db::Engine::kSqlite ? "sqlite" : "mysql");
  EXPECT_THAT(status.applied_migrations(), ::testing::Contains("events/0001_outbox"));
  EXPECT_THAT(status.applied_migrations(), ::testing::Contains("test/0002_subjects"));
  EXPECT_EQ(status.feed_head_position(), 2);
  ASSERT_EQ(status.followers_size(), 1);
  EXPECT_EQ(status.followers(0).source(), kSource);
  EXPECT_EQ(status.followers(0).parked_events(), 1);
}

TEST_P(EventServicesTest, ParkedEventsArePagedAcrossSources) {
  ParkOne("inspection-registry", 7);
  ParkOne("deadline-scheduler", 9);
  ParkOne("inspection-registry", 10);
  ParkOne("deadline-scheduler", 12);
  ParkOne("inspection-registry", 2);
  admin::v1::ListParkedEventsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  int pages = 0;
  do {
    admin::v1::ListParkedEventsResponse response;
    ASSERT_THAT(admin_->ListParkedEvents(Operator().get(), request, &response), IsOk());
    for (const admin::v1::ParkedEvent& event : response.parked_events()) names.push_back(event.name());
    request.set_page_token(response.next_page_token());
    ASSERT_LE(++pages, 3);
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(names, ElementsAre("parkedEvents/deadline-scheduler-9", "parkedEvents/deadline-scheduler-12",
                                 "parkedEvents/inspection-registry-2", "parkedEvents/inspection-registry-7",
                                 "parkedEvents/inspection-registry-10"));
  request.set_page_token("nonsense");
  admin::v1::ListParkedEventsResponse response;
  EXPECT_THAT(admin_->ListParkedEvents(Operator().get(), request, &response), ViolationOn("page_token"));
}

TEST_P(EventServicesTest, AnOperatorRetries) {
  ParkOne(kSource, 7);
  ParkOne(kOther, 8);
  const auto retry = [&](const std::string& name, std::unique_ptr<grpc::ClientContext> context, int handled) {
    admin::v1::RetryParkedEventRequest request;
    request.set_name(name);
    admin::v1::RetryParkedEventResponse response;
    const grpc::Status status = admin_->RetryParkedEvent(context.get(), request, &response);
    EXPECT_EQ(response.handled_events(), handled);
    return status;
  };
  EXPECT_THAT(retry("parkedEvents/inspection-registry-7", server_.As("otto", {"auditor"}), 0),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(retry("parkedEvents/inspection-registry-7", Operator(), 1), IsOk());
  EXPECT_THAT(retry("parkedEvents/inspection-registry-7", Operator(), 0), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(retry("parkedEvents/response-authoring-8", Operator(), 0), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(retry("inspection-registry-7", Operator(), 0), ViolationOn("name"));
  EXPECT_THAT(Effects(database()), ElementsAre("7"));
}

TEST_P(EventServicesTest, TheClockIsDriven) {
  admin::v1::SetTimeRequest request;
  admin::v1::SetTimeResponse response;
  EXPECT_THAT(clock_->SetTime(Operator().get(), request, &response), ViolationOn("time"));
  request.mutable_time()->set_seconds(253'402'300'800);  // the year 10000
  EXPECT_THAT(clock_->SetTime(Operator().get(), request, &response), ViolationOn("time"));
  request.mutable_time()->set_seconds(1'600'000'000);
  EXPECT_THAT(clock_->SetTime(server_.As("otto", {"auditor"}).get(), request, &response),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT(clock_->SetTime(Operator().get(), request, &response), IsOk());
  EXPECT_EQ(response.time().seconds(), 1'600'000'000);
  EXPECT_EQ(server_.clock().Now(), absl::FromUnixSeconds(1'600'000'000));
}

SECTION55_ON_BOTH_ENGINES(EventServicesTest);

}  // namespace
}  // namespace section55::events
