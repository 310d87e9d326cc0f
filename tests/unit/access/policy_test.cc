#include "libs/access/policy.h"

#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>

#include <map>

#include "libs/testing/matchers.h"
#include "section55/authoring/v1/response_authoring.pb.h"
#include "section55/common/v1/access.pb.h"
#include "section55/common/v1/event_feed.pb.h"

namespace section55::access {
namespace {

using common::v1::AccessRule;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptorProto;
using section55::testing::IsOk;
using section55::testing::MessageIs;
using section55::testing::StatusIs;
using section55::testing::ViolationOn;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Counts its look-ups: who is refused anyway must cause none.
class Directory : public TenantDirectory {
 public:
  absl::StatusOr<std::string> ForceOf(std::string_view body) override {
    ++look_ups;
    if (!error.ok()) {
      return error;
    }
    const auto found = forces.find(std::string(body));
    if (found == forces.end()) {
      return absl::NotFoundError("no such body");
    }
    return found->second;
  }

  std::map<std::string, std::string> forces = {{"bodies/norfolk-pcc", "forces/norfolk"},
                                               {"bodies/suffolk-pcc", "forces/suffolk"}};
  absl::Status error;
  int look_ups = 0;
};

Identity Person(std::vector<Grant> grants) {
  Identity person;
  person.actor = "people/ann";
  person.grants = std::move(grants);
  return person;
}

Identity Service(const std::string& name) {
  Identity service;
  service.kind = Identity::Kind::kService;
  service.actor = "services/" + name;
  return service;
}

class PolicyTest : public ::testing::Test {
 protected:
  template <typename Request>
  absl::StatusOr<Scope> Authorise(const Identity& caller, const Request& request) {
    const Policy::Method* method = policy_.Find(Request::descriptor());
    EXPECT_NE(method, nullptr);
    return policy_.Authorise(*method, caller, request, &directory_);
  }
  absl::StatusOr<Scope> Get(const Identity& caller, const std::string& name) {
    authoring::v1::GetResponseRequest request;
    request.set_name(name);
    return Authorise(caller, request);
  }
  absl::StatusOr<Scope> List(const Identity& caller, const std::string& parent) {
    authoring::v1::ListResponsesRequest request;
    request.set_parent(parent);
    return Authorise(caller, request);
  }

  Policy policy_ =
      *Policy::Compile({DescriptorPool::generated_pool()->FindServiceByName("section55.authoring.v1.ResponseAuthoring"),
                        DescriptorPool::generated_pool()->FindServiceByName("section55.common.v1.EventFeed")});
  Directory directory_;
  const Identity author_ = Person({{AccessRule::AUTHOR, "bodies/norfolk-pcc"}});
  const Identity chief_ = Person({{AccessRule::CHIEF_OFFICER, "forces/norfolk"}});
};

TEST_F(PolicyTest, BodyRolesReachTheirBodyOnly) {
  const auto scope = Get(author_, "bodies/norfolk-pcc/responses/safe-to-share");
  ASSERT_THAT(scope, IsOk());
  EXPECT_FALSE(scope->everything);
  EXPECT_EQ(scope->Of("bodies/norfolk-pcc", "forces/norfolk"), Scope::View::kBody);
  EXPECT_THAT(scope->bodies, ElementsAre("bodies/norfolk-pcc"));
  EXPECT_THAT(Get(author_, "bodies/suffolk-pcc/responses/safe-to-share"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(author_, "bodies/norfolk-pcc-2/responses/x"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(author_, "forces/norfolk/responses/x"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(directory_.look_ups, 0);
}

TEST_F(PolicyTest, TheTenantMayBeNested) {
  authoring::v1::UpdateResponseRequest request;
  request.mutable_response()->set_name("bodies/norfolk-pcc/responses/x");
  EXPECT_THAT(Authorise(author_, request), IsOk());
  request.mutable_response()->set_name("bodies/suffolk-pcc/responses/x");
  EXPECT_THAT(Authorise(author_, request), StatusIs(absl::StatusCode::kPermissionDenied));
  request.clear_response();
  EXPECT_THAT(Authorise(author_, request), ViolationOn("response.name"));
}

TEST_F(PolicyTest, ARoleThatTheRuleDoesNotNameGrantsNothing) {
  authoring::v1::ApproveResponseRequest request;
  request.set_name("bodies/norfolk-pcc/responses/x");
  EXPECT_THAT(Authorise(author_, request), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorise(Person({{AccessRule::OPERATOR, ""}}), request), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorise(Person({{AccessRule::APPROVER, "bodies/norfolk-pcc"}}), request), IsOk());
}

TEST_F(PolicyTest, ForceRolesReachTheBodyThatHoldsTheForceToAccount) {
  const auto scope = Get(chief_, "bodies/norfolk-pcc/responses/x");
  ASSERT_THAT(scope, IsOk());
  EXPECT_EQ(scope->Of("bodies/norfolk-pcc", "forces/norfolk"), Scope::View::kForce);
  EXPECT_FALSE(scope->everything);
  EXPECT_THAT(scope->bodies, IsEmpty());
  EXPECT_THAT(scope->forces, ElementsAre("forces/norfolk"));
  EXPECT_THAT(Get(chief_, "bodies/suffolk-pcc/responses/x"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(chief_, "forces/norfolk/x"), IsOk());
  EXPECT_THAT(Get(chief_, "forces/suffolk/x"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(PolicyTest, WhoIsBothIsHereAsTheBody) {
  const auto scope =
      Get(Person({{AccessRule::CHIEF_OFFICER, "forces/norfolk"}, {AccessRule::AUTHOR, "bodies/norfolk-pcc"}}),
          "bodies/norfolk-pcc/responses/x");
  ASSERT_THAT(scope, IsOk());
  EXPECT_EQ(scope->Of("bodies/norfolk-pcc", "forces/norfolk"), Scope::View::kBody);
}

TEST_F(PolicyTest, WithoutADirectoryForceRolesReachNoBody) {
  authoring::v1::GetResponseRequest request;
  request.set_name("bodies/norfolk-pcc/responses/x");
  EXPECT_THAT(policy_.Authorise(*policy_.Find(request.GetDescriptor()), chief_, request, nullptr),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(PolicyTest, ADirectoryOutOfReachIsNoRefusal) {
  directory_.error = absl::UnavailableError("database away");
  EXPECT_THAT(Get(chief_, "bodies/norfolk-pcc/responses/x"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(PolicyTest, NationalRolesReachEverything) {
  const auto scope = Get(Person({{AccessRule::AUDITOR, ""}}), "bodies/unknown/responses/x");
  ASSERT_THAT(scope, IsOk());
  EXPECT_TRUE(scope->everything);
  EXPECT_EQ(scope->Of("bodies/unknown", "forces/unknown"), Scope::View::kBody);
}

TEST_F(PolicyTest, ServicesByTheirExactName) {
  const common::v1::ListEventsRequest request;
  const auto scope = Authorise(Service("publication"), request);
  ASSERT_THAT(scope, IsOk());
  EXPECT_TRUE(scope->everything);
  EXPECT_THAT(Authorise(Service("publication2"), request), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorise(Service("public"), request), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorise(Service(""), request), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Get(Service("publication"), "bodies/norfolk-pcc/responses/x"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  // A person who calls themselves like a service is a person.
  Identity impostor = Service("publication");
  impostor.kind = Identity::Kind::kPerson;
  EXPECT_THAT(Authorise(impostor, request), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(PolicyTest, AListAcrossBodiesIsScoped) {
  const auto scope = List(Person({{AccessRule::AUTHOR, "bodies/a"},
                                  {AccessRule::APPROVER, "bodies/b"},
                                  {AccessRule::CHIEF_OFFICER, "forces/norfolk"},
                                  {AccessRule::OPERATOR, ""}}),
                          "bodies/-");
  ASSERT_THAT(scope, IsOk());
  EXPECT_FALSE(scope->everything);
  EXPECT_THAT(scope->bodies, ElementsAre("bodies/a", "bodies/b"));
  EXPECT_THAT(scope->forces, ElementsAre("forces/norfolk"));
  EXPECT_THAT(List(chief_, "bodies/-")->bodies, IsEmpty());
  EXPECT_TRUE(List(Person({{AccessRule::AUDITOR, ""}}), "bodies/-")->everything);
  EXPECT_THAT(List(Person({{AccessRule::OPERATOR, ""}}), "bodies/-"), StatusIs(absl::StatusCode::kPermissionDenied));
}

// Every pair of a role on Norfolk's body, on its force or nothing, and the same on Suffolk's; what each sees of each row of a list.
TEST_F(PolicyTest, MixedRolesAreDecidedRowByRow) {
  using View = Scope::View;
  const std::map<View, std::vector<AccessRule::Role>> roles = {
      {View::kNone, {AccessRule::ROLE_UNSPECIFIED}},
      {View::kBody, {AccessRule::AUTHOR, AccessRule::APPROVER}},
      {View::kForce, {AccessRule::CONTRIBUTOR, AccessRule::CHIEF_OFFICER}},
  };
  const auto grant = [](View view, AccessRule::Role role, const std::string& area) -> std::vector<Grant> {
    return view == View::kNone
               ? std::vector<Grant>()
               : std::vector<Grant>{{role, view == View::kBody ? "bodies/" + area + "-pcc" : "forces/" + area}};
  };
  int combinations = 0;
  for (const auto& [norfolk, norfolk_roles] : roles) {
    for (const auto& [suffolk, suffolk_roles] : roles) {
      for (const AccessRule::Role on_norfolk : norfolk_roles) {
        for (const AccessRule::Role on_suffolk : suffolk_roles) {
          std::vector<Grant> grants = grant(norfolk, on_norfolk, "norfolk");
          const std::vector<Grant> more = grant(suffolk, on_suffolk, "suffolk");
          grants.insert(grants.end(), more.begin(), more.end());
          SCOPED_TRACE(ClaimOf(on_norfolk) + " on Norfolk, " + ClaimOf(on_suffolk) + " on Suffolk");
          ++combinations;
          const Identity person = Person(grants);
          const auto all = List(person, "bodies/-");
          if (grants.empty()) {
            EXPECT_THAT(all, StatusIs(absl::StatusCode::kPermissionDenied));
            continue;
          }
          ASSERT_THAT(all, IsOk());
          EXPECT_EQ(all->Of("bodies/norfolk-pcc", "forces/norfolk"), norfolk);
          EXPECT_EQ(all->Of("bodies/suffolk-pcc", "forces/suffolk"), suffolk);
          EXPECT_EQ(all->Of("bodies/kent-pcc", "forces/kent"), View::kNone);
          // One body's list, and one response of it: what is held elsewhere counts for nothing.
          for (const auto& [area, view] : {std::pair("norfolk", norfolk), std::pair("suffolk", suffolk)}) {
            const std::string body = std::string("bodies/") + area + "-pcc";
            for (const auto& scope : {List(person, body), Get(person, body + "/responses/x")}) {
              if (view == View::kNone) {
                EXPECT_THAT(scope, StatusIs(absl::StatusCode::kPermissionDenied));
                continue;
              }
              ASSERT_THAT(scope, IsOk());
              EXPECT_EQ(scope->Of(body, std::string("forces/") + area), view);
              EXPECT_EQ(scope->bodies.size() + scope->forces.size(), 1u) << "this tenant only";
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(combinations, 25);
}

TEST_F(PolicyTest, AcrossBodiesIsForMethodsThatSaySo) {
  const Identity both =
      Person({{AccessRule::AUTHOR, "bodies/norfolk-pcc"}, {AccessRule::CONTRIBUTOR, "forces/suffolk"}});
  EXPECT_THAT(List(both, "bodies/-"), IsOk());
  const absl::Status denied = Get(both, "bodies/kent-pcc/responses/x").status();
  EXPECT_THAT(denied, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(Get(both, "bodies/-/responses/x").status(), denied);
  common::v1::ListEventsRequest events;
  events.set_parent("bodies/-");
  EXPECT_THAT(Authorise(both, events), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(List(both, "forces/-"), StatusIs(absl::StatusCode::kPermissionDenied)) << "bodies, not forces";
  EXPECT_EQ(directory_.look_ups, 1) << "only for the body that there might be";
}

TEST_F(PolicyTest, AFeedIsFollowedWholeByServicesAndOtherwiseByBody) {
  common::v1::FollowRequest request;
  EXPECT_TRUE(Authorise(Service("publication"), request)->everything);
  EXPECT_TRUE(Authorise(Person({{AccessRule::AUDITOR, ""}}), request)->everything);
  EXPECT_THAT(Authorise(author_, request), ViolationOn("parent"));
  EXPECT_THAT(Authorise(chief_, request), StatusIs(absl::StatusCode::kPermissionDenied));
  request.set_parent("bodies/norfolk-pcc");
  EXPECT_THAT(Authorise(author_, request)->bodies, ElementsAre("bodies/norfolk-pcc"));
  request.set_parent("bodies/suffolk-pcc");
  EXPECT_THAT(Authorise(author_, request), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(PolicyTest, AServersOwnListTakesServicesFromARuleAndAddsNone) {
  common::v1::FollowRequest follow;
  policy_.Narrow("section55.common.v1.EventFeed", {"publication", "intruder"});
  EXPECT_THAT(Authorise(Service("publication"), follow), IsOk());
  EXPECT_THAT(Authorise(Service("deadline-scheduler"), follow), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorise(Service("intruder"), follow), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Authorise(Person({{AccessRule::AUDITOR, ""}}), follow), IsOk()) << "people are left alone";
  policy_.Narrow("section55.common.v1.EventFeed", {});
  EXPECT_THAT(Authorise(Service("publication"), follow), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(PolicyTest, AMalformedNameIsToldOnlyToThoseWithARole) {
  for (const char* name : {"", "x", "bodies", "bodies/", "bodies//responses/x", "Bodies/norfolk-pcc", "bodies/NORFOLK",
                           "people/ann", "/bodies/norfolk-pcc", "bodies/norfolk pcc", "bodies/--"}) {
    EXPECT_THAT(Get(author_, name), ViolationOn("name")) << name;
    EXPECT_THAT(Get(Person({}), name), StatusIs(absl::StatusCode::kPermissionDenied)) << name;
  }
}

TEST_F(PolicyTest, RefusalsSayTheSameWhateverExists) {
  const absl::Status stranger = Get(Person({}), "bodies/norfolk-pcc/responses/x").status();
  EXPECT_THAT(
      stranger,
      AllOf(StatusIs(absl::StatusCode::kPermissionDenied),
            MessageIs(HasSubstr("ResponseAuthoring/GetResponse needs one of these roles: author of the body"))));
  EXPECT_EQ(Get(Person({}), "bodies/unknown/responses/x").status(), stranger);
  EXPECT_EQ(Get(Person({}), "nonsense").status(), stranger);
  EXPECT_EQ(Get(author_, "bodies/suffolk-pcc/responses/x").status(), stranger);
  EXPECT_EQ(Get(author_, "bodies/unknown/responses/x").status(), stranger);
  EXPECT_EQ(Get(chief_, "bodies/suffolk-pcc/responses/x").status(), stranger);
  EXPECT_EQ(Get(chief_, "bodies/unknown/responses/x").status(), stranger);
  EXPECT_EQ(Get(Service("publication"), "bodies/norfolk-pcc/responses/x").status(), stranger);
}

TEST_F(PolicyTest, AnUnregisteredRequestHasNoMethod) { EXPECT_EQ(policy_.Find(AccessRule::descriptor()), nullptr); }

// Rules that must not be started with.
class CompileTest : public ::testing::Test {
 protected:
  // A service T with one method M for each of the given options.
  absl::StatusOr<Policy> Compile(const std::vector<std::string>& options, bool same_request = false,
                                 const std::string& more = "") {
    std::string methods;
    std::string messages;
    for (size_t i = 0; i < options.size(); ++i) {
      const std::string request = same_request ? "R" : "R" + std::to_string(i);
      if (!same_request || i == 0) {
        messages += "message_type { name: '" + request +
                    "' field { name: 'name' number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }"
                    " field { name: 'names' number: 2 type: TYPE_STRING label: LABEL_REPEATED }"
                    " field { name: 'size' number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL }"
                    " field { name: 'self' number: 4 type: TYPE_MESSAGE type_name: '" +
                    request + "' label: LABEL_OPTIONAL } }\n";
      }
      methods += "method { name: 'M" + std::to_string(i) + "' input_type: '" + request + "' output_type: '" + request +
                 "' " + more + " options { " + options[i] + " } }\n";
    }
    FileDescriptorProto file;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "name: 'test.proto' syntax: 'proto3' dependency: 'section55/common/v1/access.proto'\n" + messages +
            "service { name: 'T' " + methods + "}",
        &file));
    pools_.push_back(std::make_unique<DescriptorPool>(DescriptorPool::generated_pool()));
    const auto* built = pool().BuildFile(file);
    EXPECT_NE(built, nullptr);
    return Policy::Compile({built->service(0)});
  }
  // `more` is said of the method.
  void ExpectRefused(const std::string& option, const std::string& why, const std::string& more = "") {
    EXPECT_THAT(Compile({option}, /*same_request=*/false, more).status(),
                AllOf(StatusIs(absl::StatusCode::kInternal), MessageIs(AllOf(HasSubstr("M0"), HasSubstr(why)))));
  }

  DescriptorPool& pool() { return *pools_.back(); }

 private:
  // One for each Compile under test: a pool takes a file of a name once. The compiled rules point into it.
  std::vector<std::unique_ptr<DescriptorPool>> pools_;
};

TEST_F(CompileTest, BrokenRulesAreNamed) {
  ExpectRefused("", "no access rule");
  ExpectRefused("[section55.common.v1.access] {}", "grants nothing");
  ExpectRefused("[section55.common.v1.access] { tenant: 'name' }", "grants nothing");
  ExpectRefused("[section55.common.v1.access] { roles: ROLE_UNSPECIFIED }", "unknown role");
  ExpectRefused("[section55.common.v1.access] { roles: AUTHOR }", "needs a tenant path");
  ExpectRefused("[section55.common.v1.access] { roles: [AUDITOR, CONTRIBUTOR] }", "needs a tenant path");
  ExpectRefused("[section55.common.v1.access] { roles: AUDITOR across_bodies: true }", "a list across bodies");
  ExpectRefused("[section55.common.v1.access] { services: 'publication' tenant: 'name' across_bodies: true }",
                "a list across bodies");
  ExpectRefused("[section55.common.v1.access] { roles: AUTHOR tenant: 'name' }", "no tenant can be in it",
                "client_streaming: true");
  for (const char* path : {"nam", "names", "size", "self", "self.", "self.size", "name.x", ".name", "names.x"}) {
    ExpectRefused(std::string("[section55.common.v1.access] { roles: AUTHOR tenant: '") + path + "' }",
                  "no text field");
  }
}

TEST_F(CompileTest, GoodRulesCompile) {
  EXPECT_THAT(Compile({"[section55.common.v1.access] { roles: AUTHOR tenant: 'self.self.name' }",
                       "[section55.common.v1.access] { any_caller: true }",
                       "[section55.common.v1.access] { services: 'publication' }"}),
              IsOk());
}

TEST_F(CompileTest, ARequestTypeBelongsToOneMethod) {
  const std::string rule = "[section55.common.v1.access] { any_caller: true }";
  EXPECT_THAT(Compile({rule, rule}, /*same_request=*/true).status(), MessageIs(HasSubstr("shares its request type")));
}

TEST_F(CompileTest, AnyCallerMeansEverybody) {
  const auto policy = Compile({"[section55.common.v1.access] { any_caller: true }"});
  ASSERT_THAT(policy, IsOk());
  google::protobuf::DynamicMessageFactory factory(&pool());
  const auto* type = pool().FindMessageTypeByName("R0");
  const auto scope = policy->Authorise(*policy->Find(type), Person({}), *factory.GetPrototype(type), nullptr);
  ASSERT_THAT(scope, IsOk());
  EXPECT_TRUE(scope->everything);
}

TEST(EveryRuleTest, AllServicesOfTheSuiteCompile) {
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const char* name :
       {"section55.registry.v1.InspectionRegistry", "section55.authoring.v1.ResponseAuthoring",
        "section55.deadlines.v1.DeadlineScheduler", "section55.publication.v1.Publication",
        "section55.common.v1.EventFeed", "section55.admin.v1.Admin", "section55.admin.v1.DrivenClock"}) {
    services.push_back(DescriptorPool::generated_pool()->FindServiceByName(name));
    ASSERT_NE(services.back(), nullptr) << name;
  }
  EXPECT_THAT(Policy::Compile(services), IsOk());
}

}  // namespace
}  // namespace section55::access
