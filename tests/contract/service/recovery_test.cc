// A restored source, the service that follows it, and what passes between them: on real servers and databases.
#include "libs/service/recovery.h"

#include <gmock/gmock.h>

#include "events_schema.h"
#include "jobs_schema.h"
#include "libs/events/feed_service.h"
#include "libs/events/follower.h"
#include "libs/events/recovery.h"
#include "libs/testing/matchers.h"
#include "tests/contract/events/follower_fixture.h"

namespace section55::service {
namespace {

using admin::v1::Recovery;
using events::Event;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kSource[] = "inspection-registry";

// A source with the services EventFeed and Recovery, reached as services reach each other.
class RestoredSource {
 public:
  RestoredSource() : database_(db::Engine::kSqlite, events::Schemas()), log_(*database_) { Start(); }
  ~RestoredSource() { Stop(); }

  void Append(const std::string& subject, const std::string& text) {
    ASSERT_THAT(events::AppendOne(log_, *database_, subject, text), IsOk());
  }
  void Start() {
    log_.Start();
    rpc::ServerOptions options = section55::testing::TestServer::InProcess();
    options.listen = address_;
    options.certificates = Certificates(kSource);
    server_ = std::make_unique<section55::testing::TestServer>(absl::FromUnixSeconds(1'767'258'000), options);
    server_->Add<events::EventFeedService>(events::kEventFeedName, log_);
    events::Handlers take_in;
    take_in.On<google::protobuf::StringValue>(
        [this](db::Transaction& tx, const Event& event, const google::protobuf::StringValue& payload) -> absl::Status {
          if (payload.value() == "refused") {
            return absl::InvalidArgumentError("it is refused");
          }
          tx.AfterCommit([this, text = payload.value()] {
            absl::MutexLock lock(&mutex_);
            taken_in_.insert(text);
          });
          return events::Note(tx, event, events::Finding::kTakenIn, absl::Now(), "taken in");
        });
    server_->Add<RecoveryService>(kRecoveryName, *database_, server_->clock(), take_in);
    server_->Start();
    address_ = "127.0.0.1:" + std::to_string(server_->server().port());
  }
  void Stop() {
    log_.Stop();
    server_.reset();
  }
  // As a restore leaves it: the first `count` events, and a new incarnation.
  void RestoreTo(int count) {
    Stop();
    ASSERT_THAT(database_->Write([&](db::Transaction& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Execute("DELETE FROM events WHERE position > ?", {count}).status());
      RETURN_IF_ERROR(tx.Execute("UPDATE event_sequence SET next_position = ?", {count + 1}).status());
      return events::BeginRecovery(tx, absl::Now(), absl::Now(), std::nullopt, {});
    }),
                IsOk());
    Start();
  }
  std::set<std::string> taken_in() {
    absl::MutexLock lock(&mutex_);
    return taken_in_;
  }
  admin::v1::RecoveryStatus Describe() {
    admin::v1::RecoveryStatus status;
    EXPECT_THAT(database_->Read([&](db::Transaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(status, events::DescribeRecovery(tx));
      return absl::OkStatus();
    }),
                IsOk());
    return status;
  }

  db::Database& database() { return *database_; }
  events::EventLog& log() { return log_; }
  section55::testing::TestServer& server() { return *server_; }
  std::shared_ptr<grpc::Channel> Channel() const {
    return rpc::ConnectToPeer(address_, Certificates("response-authoring"));
  }

 private:
  // Made once for the test program.
  static const std::string& Certificates(const std::string& service) {
    static section55::testing::Authorities authorities;
    static const std::string registry = authorities.Folder("inspection-registry", "inspection-registry");
    static const std::string authoring = authorities.Folder("response-authoring", "response-authoring");
    return service == kSource ? registry : authoring;
  }

  section55::testing::TestDatabase database_;
  events::EventLog log_;
  std::string address_ = "127.0.0.1:0";
  absl::Mutex mutex_;
  std::set<std::string> taken_in_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<section55::testing::TestServer> server_;
};

class RecoveryTest : public events::FollowerFixture {
 protected:
  // Has followed "1" to "5", refused "3", and stopped.
  void FollowFive() {
    handled_.Before([](const std::string& text) {
      return text == "3" ? absl::InvalidArgumentError("not this one") : absl::OkStatus();
    });
    for (int i = 1; i <= 5; ++i) {
      source_.Append("subjects/" + std::to_string(i), std::to_string(i));
    }
    follower_ = MakeFollower(source_.Channel());
    follower_->GivesBack({[](db::Transaction& tx, std::string& after, std::vector<Event>& page) {
      if (after.empty()) {
        after = "all of it";
        for (const char* text : {"4", "5", "refused"}) {
          page.push_back(events::MakeHeldEvent("", std::string("subjects/") + text, events::Payload(text)));
        }
      }
      return absl::OkStatus();
    }});
    follower_->Start();
    ASSERT_TRUE(handled_.WaitFor("5"));
    follower_->Stop();
    ASSERT_EQ(follower_->Status().position(), 5);
  }
  absl::Status Recovered() {
    bool held = false;
    return CheckRecovered(source_.database(), absl::InfiniteFuture(), held);
  }
  bool AtTheEnd() {
    return events::Eventually([&] {
      const auto status = follower_->Status();
      return status.connected() && status.position() == source_.log().FindEnd()->head && status.last_error().empty();
    });
  }

  RestoredSource source_;
  std::unique_ptr<events::Follower> follower_;
};

TEST_P(RecoveryTest, AFollowerGivesBackWhatTheSourceForgotAndGoesOnAfterWhatBothHave) {
  FollowFive();
  source_.RestoreTo(2);
  EXPECT_THAT(source_.Describe().awaited_followers(), ElementsAre("response-authoring"));
  EXPECT_THAT(Recovered(), ::testing::AllOf(StatusIs(absl::StatusCode::kUnavailable), HasReason(rpc::kRecovering)));
  source_.Append("subjects/6", "6");
  follower_->Start();
  ASSERT_TRUE(handled_.WaitFor("6"));
  EXPECT_TRUE(AtTheEnd());
  // The one that was put aside comes verbatim.
  EXPECT_EQ(source_.taken_in(), (std::set<std::string>{"3", "4", "5"}));
  EXPECT_THAT(Parked(), IsEmpty());
  const admin::v1::RecoveryStatus status = source_.Describe();
  EXPECT_THAT(status.awaited_followers(), IsEmpty());
  EXPECT_TRUE(status.has_backup_time());
  ASSERT_THAT(status.findings(), SizeIs(4));
  EXPECT_TRUE(status.findings(0).open());
  EXPECT_EQ(status.findings(0).subject(), "subjects/refused");
  EXPECT_EQ(status.findings(0).follower(), "services/response-authoring");
  EXPECT_THAT(Recovered(), IsOk());
  EXPECT_EQ(follower_->Status().incarnation(), source_.log().FindEnd()->incarnation);
  EXPECT_THAT(events::Effects(database()), ElementsAre("1", "2", "4", "5", "6"));
}

TEST_P(RecoveryTest, AFollowerThatWasNotAheadGivesNothingBack) {
  FollowFive();
  source_.Append("subjects/6", "6");
  ASSERT_TRUE(source_.log().WaitBeyond(5, absl::Seconds(30)));
  source_.RestoreTo(5);
  source_.Append("subjects/7", "7");
  follower_->Start();
  ASSERT_TRUE(handled_.WaitFor("7"));
  EXPECT_THAT(source_.taken_in(), IsEmpty());
  EXPECT_THAT(source_.Describe().awaited_followers(), IsEmpty());
  EXPECT_THAT(Parked(), SizeIs(1)) << "what was put aside before stays so";
}

TEST_P(RecoveryTest, ASecondRestoreToAnEarlierPointIsRecognisedToo) {
  FollowFive();
  source_.RestoreTo(4);
  source_.Append("subjects/6", "6");
  follower_->Start();
  ASSERT_TRUE(handled_.WaitFor("6"));
  follower_->Stop();
  source_.RestoreTo(1);
  source_.Append("subjects/8", "8");
  follower_->Start();
  ASSERT_TRUE(handled_.WaitFor("8"));
  EXPECT_TRUE(AtTheEnd());
  EXPECT_EQ(follower_->Status().position(), 2);
}

TEST_P(RecoveryTest, WhileItsOwnServiceIsPutRightAFollowerGivesBackAndHandlesNothing) {
  FollowFive();
  source_.RestoreTo(2);
  source_.Append("subjects/6", "6");
  follower_->Hold(true);
  follower_->Start();
  ASSERT_TRUE(events::Eventually([&] { return source_.Describe().awaited_followers().empty(); }));
  ASSERT_TRUE(events::Eventually([&] { return follower_->Status().connected(); }));
  EXPECT_EQ(follower_->Status().position(), 2);
  follower_->Hold(false);
  EXPECT_TRUE(handled_.WaitFor("6"));
}

TEST_P(RecoveryTest, AnOperatorOpensItWithoutAFollowerAndNobodyElseDoes) {
  FollowFive();
  source_.RestoreTo(2);
  const auto stub = Recovery::NewStub(source_.Channel());
  admin::v1::StopAwaitingRequest request;
  admin::v1::RecoveryStatus status;
  request.set_service("response-authoring");
  EXPECT_EQ(stub->StopAwaiting(source_.server().As("ann", {"auditor"}).get(), request, &status).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(stub->StopAwaiting(source_.server().As("olly", {"operator"}).get(), request, &status).ok());
  EXPECT_THAT(status.awaited_followers(), IsEmpty());
  EXPECT_EQ(stub->StopAwaiting(source_.server().As("olly", {"operator"}).get(), request, &status).error_code(),
            grpc::StatusCode::NOT_FOUND);
  // It comes all the same.
  follower_->Start();
  ASSERT_TRUE(AtTheEnd());
  EXPECT_EQ(source_.taken_in(), (std::set<std::string>{"3", "4", "5"}));
}

TEST_P(RecoveryTest, ItIsOpenToThePlatformOnlyUntilItHasRecovered) {
  FollowFive();
  source_.RestoreTo(2);
  source_.server().server().SetServing(Recovered());
  follower_->Start();
  EXPECT_TRUE(AtTheEnd());
  EXPECT_THAT(Recovered(), IsOk());
}

SECTION55_ON_BOTH_ENGINES(RecoveryTest);

}  // namespace
}  // namespace section55::service
