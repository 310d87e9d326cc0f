// Forces, bodies and who holds whom to account, day by day.

#include "services/inspection-registry/register.h"

#include <gmock/gmock.h>

#include "libs/testing/matchers.h"
#include "tests/unit/registry/samples.h"

namespace section55::registry::rules {
namespace {

using section55::testing::EqualsProto;
using section55::testing::HasReason;
using section55::testing::IsOk;
using section55::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The day on which the commissioners end.
constexpr absl::CivilDay kMay(2028, 5, 8);

google::type::Date Date(absl::CivilDay day) { return base::ToProtoDate(day); }

TEST(ValidateCreateForce, ChecksEveryField) {
  v1::CreateForceRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateCreateForce(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("force_id", "force"));
  request.set_force_id("Norfolk");
  request.mutable_force()->set_region(std::string(101, 'x'));
  EXPECT_THAT(violating(), ElementsAre("force_id", "force.display_name", "force.chief_officer_title", "force.region"));
  request.set_force_id("norfolk");
  request.mutable_force()->set_display_name(std::string(200, 'x'));
  request.mutable_force()->set_chief_officer_title(std::string(100, 'x'));
  request.mutable_force()->set_region("East");
  EXPECT_THAT(violating(), IsEmpty());
  request.mutable_force()->set_display_name(std::string(201, 'x'));
  request.mutable_force()->set_chief_officer_title(std::string(101, 'x'));
  EXPECT_THAT(violating(), ElementsAre("force.display_name", "force.chief_officer_title"));
}

TEST(ValidateCreateBody, ChecksEveryField) {
  v1::CreateBodyRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateCreateBody(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("body_id", "body"));
  request.set_body_id("-norfolk");
  request.mutable_body()->set_scrutiny_body(std::string(201, 'x'));
  EXPECT_THAT(violating(), ElementsAre("body_id", "body.display_name", "body.kind", "body.scrutiny_body"))
      << "a body may be registered before it has a force";
  request.set_body_id("norfolk-pcc");
  request.mutable_body()->set_display_name("Police and Crime Commissioner for Norfolk");
  request.mutable_body()->set_kind(v1::Body::POLICE_AND_CRIME_COMMISSIONER);
  request.mutable_body()->set_force("forces/norfolk");
  request.mutable_body()->clear_scrutiny_body();
  EXPECT_THAT(violating(), IsEmpty());
  request.mutable_body()->set_force("norfolk");
  request.mutable_body()->set_kind(static_cast<v1::Body::Kind>(99));
  request.mutable_body()->set_display_name(std::string(201, 'x'));
  EXPECT_THAT(violating(), ElementsAre("body.display_name", "body.kind", "body.force"));
}

TEST(ValidateCreateBody, ChecksContactDatesAndLinks) {
  v1::CreateBodyRequest request;
  request.set_body_id("norfolk-pcc");
  v1::Body& body = *request.mutable_body();
  body.set_display_name("Police and Crime Commissioner for Norfolk");
  body.set_kind(v1::Body::POLICE_AND_CRIME_COMMISSIONER);
  body.set_place_name("Norfolk");
  body.mutable_public_contact()->set_website("https://www.norfolk-pcc.gov.uk");
  body.mutable_public_contact()->set_email("opccn@norfolk.police.uk");
  body.mutable_public_contact()->set_telephone("01953 424455");
  body.mutable_public_contact()->set_postal_address("Falconers Chase\nWymondham");
  *body.mutable_register_since() = Date(absl::CivilDay(2020, 1, 1));
  *body.mutable_valid_from() = Date(absl::CivilDay(2012, 11, 22));
  auto& first = *body.add_force_links();
  first.set_force("forces/norfolk");
  *first.mutable_valid_to() = Date(absl::CivilDay(2027, 3, 31));
  auto& second = *body.add_force_links();
  second.set_force("forces/east");
  *second.mutable_valid_from() = Date(absl::CivilDay(2027, 4, 1));
  const auto violating = [&] {
    base::Violations violations;
    ValidateCreateBody(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), IsEmpty());
  EXPECT_EQ(Normalised(body).force(), "forces/east") << "the last of its links";

  body.set_place_name(std::string(61, 'x'));
  body.mutable_public_contact()->set_website("norfolk-pcc.gov.uk");
  body.mutable_public_contact()->set_email("two@example.org, addresses@example.org");
  body.mutable_public_contact()->set_telephone(std::string(51, '1'));
  body.mutable_register_since()->clear_day();
  *body.mutable_valid_to() = Date(absl::CivilDay(2012, 11, 21));
  *second.mutable_valid_from() = Date(absl::CivilDay(2027, 3, 31));
  body.set_force("forces/norfolk");
  EXPECT_THAT(violating(), ElementsAre("body.place_name", "body.public_contact.website", "body.public_contact.email",
                                       "body.public_contact.telephone", "body.register_since", "body.valid_to",
                                       "body.force_links[1].valid_from", "body.force"));
}

TEST(ValidateUpdateBody, NamesWhatCannotBeSet) {
  v1::UpdateBodyRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateUpdateBody(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("update_mask"));
  for (const char* path : {"display_name", "name", "succession", "predecessors", "force", "force_links"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  request.set_etag("v1");
  request.mutable_body()->set_etag("v2");
  EXPECT_THAT(violating(), ElementsAre("update_mask.paths[1]", "update_mask.paths[2]", "update_mask.paths[3]", "etag",
                                       "update_mask"));
}

TEST(ApplyUpdate, PutsABodyRight) {
  v1::Body body = RegisteredForces().bodies[25];
  v1::UpdateBodyRequest request;
  request.mutable_body()->set_force("forces/suffolk");
  request.mutable_body()->set_place_name("Norfolk");
  request.mutable_update_mask()->add_paths("force");
  request.mutable_update_mask()->add_paths("place_name");
  base::Violations violations;
  v1::Body after = body;
  ApplyUpdate(request, after, violations);
  EXPECT_THAT(violations.ToStatus(), IsOk());
  body.set_force("forces/suffolk");
  body.mutable_force_links(0)->set_force("forces/suffolk");
  body.set_place_name("Norfolk");
  EXPECT_THAT(after, EqualsProto(body));

  request.clear_update_mask();
  request.mutable_update_mask()->add_paths("display_name");
  ApplyUpdate(request, after, violations);
  EXPECT_THAT(FieldsOf(violations.ToStatus()), ElementsAre("body.display_name")) << "a body cannot lose its name";
}

TEST(HolderOf, IsAMatterOfTheDay) {
  Register all = RegisteredForces();
  v1::Body& norfolk = *all.FindBody("bodies/norfolk-pcc");
  *norfolk.mutable_valid_from() = Date(absl::CivilDay(2012, 11, 22));
  *norfolk.mutable_force_links(0)->mutable_valid_to() = Date(absl::CivilDay(2027, 3, 31));
  EXPECT_EQ(all.HolderOf("forces/norfolk", absl::CivilDay(2012, 11, 21)), nullptr);
  EXPECT_EQ(all.HolderOf("forces/norfolk", absl::CivilDay(2012, 11, 22))->name(), "bodies/norfolk-pcc");
  EXPECT_EQ(all.HolderOf("forces/norfolk", absl::CivilDay(2027, 3, 31))->name(), "bodies/norfolk-pcc");
  EXPECT_EQ(all.HolderOf("forces/norfolk", absl::CivilDay(2027, 4, 1)), nullptr);
  norfolk.set_registered_by_mistake(true);
  EXPECT_EQ(all.HolderOf("forces/norfolk", absl::CivilDay(2020, 1, 1)), nullptr);
}

TEST(CheckLinks, AForceIsHeldToAccountByOneBodyOnAnyDay) {
  Register all = RegisteredForces();
  v1::Body mayor = all.bodies[25];
  mayor.set_name("bodies/norfolk-mayor");
  EXPECT_THAT(CheckLinks(all, mayor),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("FORCE_HAS_BODY")));
  *mayor.mutable_valid_from() = Date(kMay);
  EXPECT_THAT(CheckLinks(all, mayor), HasReason("FORCE_HAS_BODY"));
  *all.FindBody("bodies/norfolk-pcc")->mutable_valid_to() = Date(kMay);
  EXPECT_THAT(CheckLinks(all, mayor), HasReason("FORCE_HAS_BODY")) << "on one day both do";
  *all.FindBody("bodies/norfolk-pcc")->mutable_valid_to() = Date(kMay - 1);
  EXPECT_THAT(CheckLinks(all, mayor), IsOk());
  all.FindBody("bodies/norfolk-pcc")->clear_valid_to();
  all.FindBody("bodies/norfolk-pcc")->set_registered_by_mistake(true);
  EXPECT_THAT(CheckLinks(all, mayor), IsOk()) << "what is a mistake holds nothing";
  mayor.mutable_force_links(0)->set_force("forces/atlantis");
  EXPECT_THAT(FieldsOf(CheckLinks(all, mayor)), ElementsAre("body.force"));
}

class Succession : public ::testing::Test {
 protected:
  Succession() {
    v1::Body& board = all_.bodies.emplace_back();
    board.set_name("bodies/norfolk-board");
    board.set_kind(v1::Body::POLICING_AND_CRIME_BOARD);
    *board.mutable_valid_from() = Date(kMay);
    request_.set_name("bodies/norfolk-pcc");
    request_.set_successor("bodies/norfolk-board");
    *request_.mutable_date() = Date(kMay);
    request_.set_reason("Police and crime commissioners are abolished");
  }

  // The register after the succession, which must be accepted.
  Register After(const v1::SucceedBodyRequest& request) {
    Register after = all_;
    const auto succession = Succeed(request, all_);
    EXPECT_THAT(succession, IsOk());
    if (succession.ok()) {
      for (const v1::Body& body : succession->bodies) {
        *after.FindBody(body.name()) = body;
      }
    }
    return after;
  }

  Register all_ = RegisteredForces();
  v1::SucceedBodyRequest request_;
};

TEST_F(Succession, In2028TheBoardTakesForceAndPlaceOfTheCommissioner) {
  const auto succession = Succeed(request_, all_);
  ASSERT_THAT(succession, IsOk());
  EXPECT_EQ(succession->bodies.size(), 2u) << "only what is not as it was";
  EXPECT_EQ(succession->event.predecessor().succession().successor(), "bodies/norfolk-board");
  EXPECT_THAT(succession->event.predecessor().succession().date(), EqualsProto(Date(kMay)));
  EXPECT_THAT(succession->event.predecessor().valid_to(), EqualsProto(Date(kMay - 1)));
  EXPECT_THAT(succession->event.successor().predecessors(), ElementsAre("bodies/norfolk-pcc"));
  EXPECT_EQ(succession->event.successor().force(), "forces/norfolk");
  EXPECT_EQ(succession->event.force().name(), "forces/norfolk");
  const Register after = After(request_);
  EXPECT_EQ(after.HolderOf("forces/norfolk", kMay - 1)->name(), "bodies/norfolk-pcc");
  EXPECT_EQ(after.HolderOf("forces/norfolk", kMay)->name(), "bodies/norfolk-board");
  EXPECT_EQ(after.BodyOn("bodies/norfolk-pcc", kMay - 1), "bodies/norfolk-pcc");
  EXPECT_EQ(after.BodyOn("bodies/norfolk-pcc", kMay), "bodies/norfolk-board");
}

TEST_F(Succession, AMayorWhoIsThereAlreadyTakesOver) {
  v1::Body& mayor = *all_.FindBody("bodies/norfolk-board");
  mayor.set_kind(v1::Body::MAYOR);
  mayor.clear_valid_from();
  EXPECT_EQ(After(request_).HolderOf("forces/norfolk", kMay)->name(), "bodies/norfolk-board");
}

TEST_F(Succession, WhoHoldsAForceKeepsItAndTakesNoOther) {
  request_.set_successor("bodies/suffolk-pcc");
  const Register after = After(request_);
  EXPECT_EQ(ForceHeld(*after.FindBody("bodies/suffolk-pcc"), kMay), "forces/suffolk");
  EXPECT_EQ(after.HolderOf("forces/norfolk", kMay), nullptr) << "until its force is succeeded too";
}

TEST_F(Succession, ChainsHandTheirPredecessorsOn) {
  all_ = After(request_);
  v1::Body& mayor = all_.bodies.emplace_back();
  mayor.set_name("bodies/east-mayor");
  request_.set_name("bodies/norfolk-board");
  request_.set_successor("bodies/east-mayor");
  *request_.mutable_date() = Date(absl::CivilDay(2031, 5, 1));
  all_ = After(request_);
  EXPECT_THAT(all_.FindBody("bodies/east-mayor")->predecessors(),
              ElementsAre("bodies/norfolk-board", "bodies/norfolk-pcc"));
  EXPECT_EQ(all_.BodyOn("bodies/norfolk-pcc", absl::CivilDay(2031, 5, 1)), "bodies/east-mayor");
  // Nobody comes in the place of those who came after them.
  request_.set_name("bodies/east-mayor");
  request_.set_successor("bodies/norfolk-pcc");
  EXPECT_THAT(FieldsOf(Succeed(request_, all_).status()), ElementsAre("successor"));
}

TEST_F(Succession, IsSettledOnceAndMakesSense) {
  const auto violating = [&](const char* successor, absl::CivilDay date) {
    v1::SucceedBodyRequest request = request_;
    request.set_successor(successor);
    *request.mutable_date() = Date(date);
    return FieldsOf(Succeed(request, all_).status());
  };
  EXPECT_THAT(violating("bodies/atlantis", kMay), ElementsAre("successor"));
  EXPECT_THAT(violating("bodies/norfolk-pcc", kMay), ElementsAre("successor"));
  EXPECT_THAT(violating("bodies/norfolk-board", kMay - 1), ElementsAre("date")) << "there is no board yet";
  *all_.FindBody("bodies/norfolk-pcc")->mutable_valid_from() = Date(kMay);
  EXPECT_THAT(violating("bodies/norfolk-board", kMay), ElementsAre("date"));
  all_.FindBody("bodies/norfolk-pcc")->clear_valid_from();
  all_ = After(request_);
  EXPECT_THAT(Succeed(request_, all_),
              AllOf(StatusIs(absl::StatusCode::kFailedPrecondition), HasReason("HAS_SUCCESSOR")));
}

TEST(ValidateSucceedBody, ChecksEveryField) {
  v1::SucceedBodyRequest request;
  const auto violating = [&] {
    base::Violations violations;
    ValidateSucceedBody(request, violations);
    return FieldsOf(violations.ToStatus());
  };
  EXPECT_THAT(violating(), ElementsAre("name", "successor", "date", "reason"));
  request.set_name("bodies/norfolk-pcc");
  request.set_successor("forces/norfolk");
  request.mutable_date()->set_year(2028);
  request.set_reason("Law");
  EXPECT_THAT(violating(), ElementsAre("successor", "date"));
}

TEST(SucceedForce, TheBodyOfTheForceHoldsTheSuccessorUnlessAnotherDoes) {
  Register all = RegisteredForces();
  v1::Force east = *all.FindForce("forces/norfolk");
  east.set_name("forces/east");
  *east.mutable_valid_from() = Date(kMay);
  all.forces.push_back(east);
  v1::SucceedForceRequest request;
  request.set_successor("forces/east");
  *request.mutable_date() = Date(kMay);
  request.set_reason("Merged");
  for (const char* force : {"forces/norfolk", "forces/suffolk"}) {
    request.set_name(force);
    const auto succession = Succeed(request, all);
    ASSERT_THAT(succession, IsOk());
    for (const v1::Force& changed : succession->forces) {
      *all.FindForce(changed.name()) = changed;
    }
    for (const v1::Body& changed : succession->bodies) {
      *all.FindBody(changed.name()) = changed;
    }
    EXPECT_EQ(succession->event.bodies_size(), force == std::string_view("forces/norfolk") ? 1 : 2);
  }
  EXPECT_EQ(all.HolderOf("forces/norfolk", kMay - 1)->name(), "bodies/norfolk-pcc");
  EXPECT_EQ(all.HolderOf("forces/norfolk", kMay), nullptr);
  EXPECT_EQ(all.HolderOf("forces/east", kMay)->name(), "bodies/norfolk-pcc");
  EXPECT_EQ(all.FindBody("bodies/norfolk-pcc")->force(), "forces/east");
  EXPECT_EQ(ForceHeld(*all.FindBody("bodies/suffolk-pcc"), kMay), "");
  EXPECT_EQ(all.ForceOn("forces/suffolk", kMay).name(), "forces/east");
  EXPECT_EQ(all.ForceOn("forces/suffolk", kMay - 1).name(), "forces/suffolk");
  EXPECT_THAT(all.FindForce("forces/east")->predecessors(), ElementsAre("forces/norfolk", "forces/suffolk"));
}

}  // namespace
}  // namespace section55::registry::rules
