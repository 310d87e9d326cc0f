// What must not be possible, tried on the four real processes over TLS.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "libs/testing/matchers.h"
#include "libs/testing/suite.h"
#include "libs/testing/tokens.h"
#include "tests/e2e/main_job.h"

namespace section55::e2e {
namespace {

using authoring::v1::GetResponseRequest;
using authoring::v1::Response;
using authoring::v1::ResponseAuthoring;
using common::v1::EventFeed;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::kServices;
using ::testing::Not;
using testing::Pki;
using testing::Service;
using ::testing::SizeIs;
using testing::StatusIs;
using testing::Suite;
using ::testing::UnorderedElementsAreArray;

constexpr char kNorfolk[] = "bodies/norfolk-pcc/responses/safe-to-share";
constexpr char kSecret[] = "what nobody else may read";

std::unique_ptr<grpc::ClientContext> With(const std::string& authorization) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  if (!authorization.empty()) {
    context->AddMetadata("authorization", authorization);
  }
  return context;
}

// Sends a message of unknown type to any method; a stream's first answer counts.
grpc::Status CallByName(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                        const std::string& message, grpc::ClientContext& context, std::string* answer = nullptr) {
  const grpc::Slice slice(message);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  grpc::GenericStub(channel).UnaryCall(&context, method, {}, &request, &response, [&](const grpc::Status& result) {
    status = result;
    done.Notify();
  });
  done.WaitForNotification();
  grpc::Slice whole;
  if (answer != nullptr && status.ok() && response.DumpToSingleSlice(&whole).ok()) {
    answer->assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  }
  return status;
}

// One suite for all tests: they change nothing but what they say.
class SecurityTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    suite_ = new Suite();
    MainJob job(*suite_);
    job.Register(ReadAreas({"norfolk", "suffolk"}));
    job.Publish("safe-to-share", SafeToShare());
    const Area norfolk = ReadAreas({"norfolk"}).front();
    const Response opened = job.AwaitResponse(kNorfolk);
    job.AwaitResponse("bodies/suffolk-pcc/responses/safe-to-share");
    job.Invite(norfolk, kNorfolk, Date(2021, 1, 14));
    job.Comment(norfolk, kNorfolk);
    job.Write(norfolk, opened, kSecret);
  }
  static void TearDownTestSuite() {
    delete suite_;
    suite_ = nullptr;
  }

  static grpc::Status Get(const std::string& name, std::unique_ptr<grpc::ClientContext> context,
                          Response* response = nullptr,
                          std::shared_ptr<grpc::Channel> channel = suite_->channel(Service::kAuthoring)) {
    GetResponseRequest request;
    request.set_name(name);
    Response ignored;
    return ResponseAuthoring::Stub(std::move(channel))
        .GetResponse(context.get(), request, response == nullptr ? &ignored : response);
  }
  static grpc::Status GetAs(const std::string& person, const std::string& name, Response* response = nullptr) {
    return Get(name, With("Bearer " + Pki::Get().Token(person)), response);
  }

  // The first answer to Follow, or how it was refused.
  static grpc::Status Follow(const std::shared_ptr<grpc::Channel>& channel,
                             std::unique_ptr<grpc::ClientContext> context) {
    const auto stream = EventFeed::NewStub(channel)->Follow(context.get(), common::v1::FollowRequest());
    common::v1::FollowResponse response;
    if (stream->Read(&response)) {
      context->TryCancel();
      return grpc::Status::OK;
    }
    return stream->Finish();
  }

  // A folder with a certificate for the identity, signed by the authority or by a stranger.
  static std::filesystem::path MakeCertificate(const testing::TemporaryFolder& folder, const std::string& uri,
                                               bool by_our_authority) {
    const std::filesystem::path pki = Pki::Get().folder() / "pki";
    std::vector<std::string> words = {"/usr/bin/openssl",
                                      "req",
                                      "-x509",
                                      "-newkey",
                                      "ec",
                                      "-pkeyopt",
                                      "ec_paramgen_curve:P-256",
                                      "-noenc",
                                      "-days",
                                      "2",
                                      "-subj",
                                      "/CN=intruder",
                                      "-addext",
                                      "subjectAltName=DNS:localhost,IP:127.0.0.1,URI:" + uri,
                                      "-keyout",
                                      folder.path() / "key.pem",
                                      "-out",
                                      folder.path() / "certificate.pem"};
    if (by_our_authority) {
      words.insert(words.end(), {"-CA", pki / "ca.pem", "-CAkey", pki / "ca.key"});
    }
    const testing::Outcome made = testing::Run({.words = words});
    EXPECT_EQ(made.exit_code, 0) << made.errors;
    std::filesystem::copy_file(pki / "ca.pem", folder.path() / "ca.pem");
    return folder.path();
  }

  static Suite* suite_;
};
Suite* SecurityTest::suite_ = nullptr;

TEST_F(SecurityTest, NoMethodAnswersWithoutToken) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  int methods = 0;
  for (const Service service : kServices) {
    for (const std::string& name : testing::ServicesOn(service)) {
      const auto* descriptor = pool->FindServiceByName(name);
      ASSERT_NE(descriptor, nullptr) << name;
      for (int i = 0; i < descriptor->method_count(); ++i) {
        const auto context = With("");
        const std::string method = fmt::format("/{}/{}", name, descriptor->method(i)->name());
        EXPECT_THAT(CallByName(suite_->channel(service), method, "", *context),
                    StatusIs(absl::StatusCode::kUnauthenticated))
            << method << " of " << testing::NameOf(service);
        ++methods;
      }
    }
  }
  EXPECT_GE(methods, 72) << "there were as many when this was written";
}

TEST_F(SecurityTest, WhatCannotBeReadIsRefusedAlikeByEveryMethod) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const Service service : kServices) {
    for (const std::string& name : testing::ServicesOn(service)) {
      const auto* descriptor = pool->FindServiceByName(name);
      for (int i = 0; i < descriptor->method_count(); ++i) {
        const std::string method = fmt::format("/{}/{}", name, descriptor->method(i)->name());
        // Nobody learns from it what only callers may: who calls is asked first.
        EXPECT_THAT(CallByName(suite_->channel(service), method, "\xff\xff", *With("")),
                    StatusIs(absl::StatusCode::kUnauthenticated))
            << method;
        // Of a stream nothing is read before it is known that its caller may send one.
        const std::string person = descriptor->method(i)->client_streaming() ? "registrar" : "operator";
        EXPECT_THAT(
            CallByName(suite_->channel(service), method, "\xff\xff", *With("Bearer " + Pki::Get().Token(person))),
            AllOf(StatusIs(absl::StatusCode::kInvalidArgument), testing::HasReason("MALFORMED_REQUEST")))
            << method;
      }
    }
  }
}

TEST_F(SecurityTest, ReflectionAndHealthAskNobody) {
  for (const Service service : kServices) {
    // A ServerReflectionRequest with list_services = "*", and the names out of its answer, by field numbers: v1alpha's
    // messages have no header.
    const auto context = With("");
    std::string answer;
    ASSERT_THAT(CallByName(suite_->channel(service), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                           "\x3a\x01*", *context, &answer),
                IsOk());
    constexpr int kListServicesResponse = 6;
    std::vector<std::string> listed;
    google::protobuf::UnknownFieldSet response;
    ASSERT_TRUE(response.ParseFromString(answer));
    for (int i = 0; i < response.field_count(); ++i) {
      google::protobuf::UnknownFieldSet list;
      if (response.field(i).number() != kListServicesResponse ||
          !list.ParseFromString(response.field(i).length_delimited())) {
        continue;
      }
      for (int j = 0; j < list.field_count(); ++j) {
        google::protobuf::UnknownFieldSet entry;
        ASSERT_TRUE(entry.ParseFromString(list.field(j).length_delimited()) && entry.field_count() == 1);
        listed.push_back(entry.field(0).length_delimited());
      }
    }
    std::vector<std::string> expected = testing::ServicesOn(service);
    expected.insert(expected.end(), {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                     "grpc.reflection.v1alpha.ServerReflection"});
    // What is listed is what NoMethodAnswersWithoutToken walks: nothing else is offered.
    EXPECT_THAT(listed, UnorderedElementsAreArray(expected)) << testing::NameOf(service);

    for (const std::string& name : {testing::FullNameOf(service), std::string()}) {
      grpc::health::v1::HealthCheckRequest request;
      request.set_service(name);
      grpc::health::v1::HealthCheckResponse health;
      const auto health_context = With("");
      EXPECT_THAT(
          grpc::health::v1::Health::NewStub(suite_->channel(service))->Check(health_context.get(), request, &health),
          IsOk());
      EXPECT_EQ(health.status(), grpc::health::v1::HealthCheckResponse::SERVING);
    }
  }
}

TEST_F(SecurityTest, ForeignAndUnknownLookTheSame) {
  const std::vector<grpc::Status> refused = {
      GetAs("suffolk-author", kNorfolk),
      GetAs("suffolk-author", "bodies/norfolk-pcc/responses/no-such-report"),
      GetAs("suffolk-author", "bodies/no-such-body/responses/safe-to-share"),
      GetAs("suffolk-chief-officer", kNorfolk),
      GetAs("suffolk-chief-officer", "bodies/no-such-body/responses/safe-to-share"),
      GetAs("registrar", kNorfolk),
  };
  for (const grpc::Status& status : refused) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(status.error_message(), refused.front().error_message());
    EXPECT_EQ(status.error_details(), refused.front().error_details());
  }
  // Only who may see the body learns what it has not.
  EXPECT_THAT(GetAs("norfolk-author", "bodies/norfolk-pcc/responses/no-such-report"),
              StatusIs(absl::StatusCode::kNotFound));
  // A list over all bodies shows one's own.
  authoring::v1::ListResponsesRequest list;
  list.set_parent("bodies/-");
  const auto own = suite_->Call("suffolk-author", &ResponseAuthoring::Stub::ListResponses, list);
  ASSERT_THAT(own, IsOk());
  ASSERT_THAT(own->responses(), SizeIs(1));
  EXPECT_EQ(own->responses(0).name(), "bodies/suffolk-pcc/responses/safe-to-share");
}

TEST_F(SecurityTest, ForeignBodyCannotChange) {
  authoring::v1::UpdateResponseRequest update;
  update.mutable_response()->set_name(kNorfolk);
  update.mutable_response()->set_comments("by the neighbours");
  update.mutable_update_mask()->add_paths("comments");
  for (const char* person : {"suffolk-author", "suffolk-approver", "norfolk-chief-officer", "auditor", "operator"}) {
    EXPECT_THAT(suite_->Call(person, &ResponseAuthoring::Stub::UpdateResponse, update),
                StatusIs(absl::StatusCode::kPermissionDenied))
        << person;
  }
  registry::v1::PublishInspectionRequest publish;
  publish.set_name("inspections/safe-to-share");
  for (const char* person : {"norfolk-author", "norfolk-approver", "auditor", "operator"}) {
    EXPECT_THAT(suite_->Call(person, &registry::v1::InspectionRegistry::Stub::PublishInspection, publish),
                StatusIs(absl::StatusCode::kPermissionDenied))
        << person;
  }
  Response response;
  ASSERT_THAT(GetAs("norfolk-author", kNorfolk, &response), IsOk());
  EXPECT_THAT(response.comments(), ::testing::HasSubstr(kSecret));
}

TEST_F(SecurityTest, ChiefOfficerSeesNoDraft) {
  Response response;
  ASSERT_THAT(GetAs("norfolk-chief-officer", kNorfolk, &response), IsOk());
  EXPECT_THAT(response.chief_officer().contributions(), SizeIs(2)) << "what the force said";
  EXPECT_THAT(response.findings_to_answer(), SizeIs(4)) << "what it was asked";
  EXPECT_THAT(response.ShortDebugString(), Not(::testing::HasSubstr(kSecret)));
  EXPECT_THAT(response.answers(), IsEmpty());
  EXPECT_THAT(response.writers(), IsEmpty());
  // The body's own people do see it, and so does an auditor.
  for (const char* person : {"norfolk-author", "norfolk-approver", "auditor"}) {
    Response draft;
    ASSERT_THAT(GetAs(person, kNorfolk, &draft), IsOk());
    EXPECT_THAT(draft.comments(), ::testing::HasSubstr(kSecret)) << person;
  }
}

TEST_F(SecurityTest, OperatorReadsNoDraft) {
  EXPECT_THAT(GetAs("operator", kNorfolk), StatusIs(absl::StatusCode::kPermissionDenied));
  authoring::v1::ListResponsesRequest list;
  list.set_parent("bodies/-");
  EXPECT_THAT(suite_->Call("operator", &ResponseAuthoring::Stub::ListResponses, list),
              StatusIs(absl::StatusCode::kPermissionDenied));
  for (const Service service : kServices) {
    EXPECT_THAT(suite_->CallOn(service, "operator", &EventFeed::Stub::ListEvents, {}),
                StatusIs(absl::StatusCode::kPermissionDenied));
    // A body's people must name their body, and may name no other.
    EXPECT_THAT(suite_->CallOn(service, "norfolk-author", &EventFeed::Stub::ListEvents, {}),
                testing::ViolationOn("parent"));
    common::v1::ListEventsRequest others;
    others.set_parent("bodies/suffolk-pcc");
    EXPECT_THAT(suite_->CallOn(service, "norfolk-author", &EventFeed::Stub::ListEvents, others),
                StatusIs(absl::StatusCode::kPermissionDenied));
    others.set_parent("bodies/-");
    EXPECT_THAT(suite_->CallOn(service, "norfolk-author", &EventFeed::Stub::ListEvents, others),
                StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_THAT(suite_->CallOn(service, "operator", &admin::v1::Admin::Stub::GetStatus, {}), IsOk());
    EXPECT_THAT(suite_->CallOn(service, "norfolk-approver", &admin::v1::Admin::Stub::GetStatus, {}),
                StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_THAT(suite_->CallOn(service, "auditor", &admin::v1::DrivenClock::Stub::SetTime, {}),
                StatusIs(absl::StatusCode::kPermissionDenied));
  }
}

TEST_F(SecurityTest, OnlyGoodTokensAreTaken) {
  const Pki& pki = Pki::Get();
  const std::vector<std::string> roles = {"author@bodies/norfolk-pcc"};
  const absl::Time now = absl::Now();
  const auto claims = [&](const std::string& key, const nlohmann::json& value) {
    nlohmann::json changed = nlohmann::json::parse(Pki::Claims("mallory", roles, now));
    changed[key] = value;
    return changed.dump();
  };
  const testing::TokenIssuer stranger;
  const std::string good = pki.Sign(Pki::Claims("mallory", roles, now));
  const std::string other = pki.Sign(Pki::Claims("mallory", {"author@bodies/suffolk-pcc"}, now));
  const size_t good_claims = good.find('.') + 1;
  const size_t other_claims = other.find('.') + 1;
  const std::string spliced = good.substr(0, good_claims) +
                              other.substr(other_claims, other.rfind('.') - other_claims) +
                              good.substr(good.rfind('.'));
  EXPECT_THAT(Get(kNorfolk, With("Bearer " + good)), IsOk()) << "or nothing below means anything";

  const std::vector<std::pair<std::string, std::string>> bad = {
      {"no token", ""},
      {"empty", "Bearer "},
      {"another scheme", "Basic bWFsbG9yeTpzZWNyZXQ="},
      {"not a token", "Bearer mallory"},
      {"expired", "Bearer " + pki.Sign(claims("exp", absl::ToUnixSeconds(now - absl::Minutes(2))))},
      {"no expiry", "Bearer " + pki.Sign(claims("exp", nullptr))},
      {"not yet valid", "Bearer " + pki.Sign(claims("nbf", absl::ToUnixSeconds(now + absl::Minutes(5))))},
      {"another issuer", "Bearer " + pki.Sign(claims("iss", "https://elsewhere.example"))},
      {"another audience", "Bearer " + pki.Sign(claims("aud", "something-else"))},
      {"no subject", "Bearer " + pki.Sign(claims("sub", ""))},
      {"a key of a stranger", "Bearer " + stranger.Token("mallory", roles)},
      {"the claims of another token", "Bearer " + spliced},
      {"no signature", "Bearer " + good.substr(0, good.rfind('.') + 1)},
      {"cut short", "Bearer " + good.substr(0, good.size() - 2)},
  };
  for (const auto& [what, authorization] : bad) {
    EXPECT_THAT(Get(kNorfolk, With(authorization)), StatusIs(absl::StatusCode::kUnauthenticated)) << what;
  }
  const auto twice = With("Bearer " + good);
  twice->AddMetadata("authorization", "Bearer " + good);
  GetResponseRequest request;
  request.set_name(kNorfolk);
  Response response;
  EXPECT_THAT(
      ResponseAuthoring::NewStub(suite_->channel(Service::kAuthoring))->GetResponse(twice.get(), request, &response),
      StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(SecurityTest, PlaintextIsRefused) {
  for (const Service service : kServices) {
    const auto channel = grpc::CreateChannel(suite_->address(service), grpc::InsecureChannelCredentials());
    grpc::health::v1::HealthCheckResponse health;
    EXPECT_THAT(grpc::health::v1::Health::NewStub(channel)->Check(With("").get(), {}, &health),
                StatusIs(absl::StatusCode::kUnavailable))
        << testing::NameOf(service);
  }
}

TEST_F(SecurityTest, ClientRefusesServerOfAnotherAuthority) {
  const testing::TemporaryFolder folder;
  MakeCertificate(folder, "spiffe://section55/response-authoring", /*by_our_authority=*/false);
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = testing::ReadFile(folder.path() / "certificate.pem");
  const auto channel = grpc::CreateChannel(suite_->address(Service::kAuthoring), grpc::SslCredentials(tls));
  EXPECT_THAT(Get(kNorfolk, With("Bearer " + Pki::Get().Token("norfolk-author")), nullptr, channel),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SecurityTest, ServicesMayFollowWhomTheyFollowAndNothingElse) {
  const std::map<Service, std::set<Service>> followers = {
      {Service::kRegistry, {Service::kAuthoring, Service::kDeadlines, Service::kPublication}},
      {Service::kAuthoring, {Service::kPublication}},
      {Service::kDeadlines, {}},
      {Service::kPublication, {Service::kAuthoring, Service::kDeadlines}},
  };
  for (const Service service : kServices) {
    for (const Service caller : kServices) {
      SCOPED_TRACE(testing::NameOf(caller) + " at " + testing::NameOf(service));
      const auto channel = suite_->ChannelWith(service, Pki::Get().certificates(testing::NameOf(caller)));
      const auto allowed =
          followers.at(service).contains(caller) ? absl::StatusCode::kOk : absl::StatusCode::kPermissionDenied;
      common::v1::ListEventsResponse events;
      EXPECT_THAT(EventFeed::NewStub(channel)->ListEvents(With("").get(), {}, &events), StatusIs(allowed));
      EXPECT_THAT(Follow(channel, With("")), StatusIs(allowed));
      admin::v1::Status status;
      EXPECT_THAT(admin::v1::Admin::NewStub(channel)->GetStatus(With("").get(), {}, &status),
                  StatusIs(absl::StatusCode::kPermissionDenied));
    }
  }
  const auto as_publication = suite_->ChannelWith(Service::kAuthoring, Pki::Get().certificates("publication"));
  EXPECT_THAT(Get(kNorfolk, With(""), nullptr, as_publication), StatusIs(absl::StatusCode::kPermissionDenied));
  // A person's token counts even over a service's connection: no more and no less than that person may.
  EXPECT_THAT(Get(kNorfolk, With("Bearer " + Pki::Get().Token("norfolk-author")), nullptr, as_publication), IsOk());
  EXPECT_THAT(Get(kNorfolk, With("Bearer " + Pki::Get().Token("suffolk-author")), nullptr, as_publication),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(SecurityTest, UnknownServicesAreRefused) {
  const testing::TemporaryFolder unlisted;
  EXPECT_THAT(
      Follow(suite_->ChannelWith(Service::kAuthoring, MakeCertificate(unlisted, "spiffe://section55/intruder", true)),
             With("")),
      StatusIs(absl::StatusCode::kPermissionDenied))
      << "signed by our authority, but not one of those that may follow";
  const testing::TemporaryFolder elsewhere;
  EXPECT_THAT(Follow(suite_->ChannelWith(Service::kAuthoring,
                                         MakeCertificate(elsewhere, "spiffe://elsewhere/publication", true)),
                     With("")),
              StatusIs(absl::StatusCode::kUnauthenticated))
      << "no identity of the suite";
  const testing::TemporaryFolder forged;
  EXPECT_THAT(
      Follow(suite_->ChannelWith(Service::kAuthoring, MakeCertificate(forged, "spiffe://section55/publication", false)),
             With("")),
      StatusIs(absl::StatusCode::kUnavailable))
      << "signed by somebody else: not even a connection";
  EXPECT_THAT(Follow(suite_->channel(Service::kAuthoring), With("")), StatusIs(absl::StatusCode::kUnauthenticated));
}

}  // namespace
}  // namespace section55::e2e
