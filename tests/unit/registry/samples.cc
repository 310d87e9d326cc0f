#include "tests/unit/registry/samples.h"

#include <fmt/format.h>

#include <string_view>

#include "libs/base/status.h"

namespace section55::registry {
namespace {

using v1::Addressee;
using v1::Finding;
using v1::Inspection;

struct Row {
  std::string_view force, region, body;
};

// The police forces of England and Wales and the British Transport Police, by the body that holds each to account.
constexpr Row kRows[] = {
    {"avon-and-somerset", "South West", "avon-and-somerset-pcc"},
    {"bedfordshire", "East", "bedfordshire-pcc"},
    {"cambridgeshire", "East", "cambridgeshire-pcc"},
    {"cheshire", "North West", "cheshire-pcc"},
    {"city-of-london", "London", "city-of-london-common-council"},
    {"cleveland", "North East", "cleveland-pcc"},
    {"cumbria", "North West", "cumbria-pfcc"},
    {"derbyshire", "East Midlands", "derbyshire-pcc"},
    {"devon-and-cornwall", "South West", "devon-and-cornwall-pcc"},
    {"dorset", "South West", "dorset-pcc"},
    {"durham", "North East", "durham-pcc"},
    {"dyfed-powys", "Wales", "dyfed-powys-pcc"},
    {"essex", "East", "essex-pfcc"},
    {"gloucestershire", "South West", "gloucestershire-pcc"},
    {"greater-manchester", "North West", "greater-manchester-mayor"},
    {"gwent", "Wales", "gwent-pcc"},
    {"hampshire", "South East", "hampshire-pcc"},
    {"hertfordshire", "East", "hertfordshire-pcc"},
    {"humberside", "Yorkshire", "humberside-pcc"},
    {"kent", "South East", "kent-pcc"},
    {"lancashire", "North West", "lancashire-pcc"},
    {"leicestershire", "East Midlands", "leicestershire-pcc"},
    {"lincolnshire", "East Midlands", "lincolnshire-pcc"},
    {"merseyside", "North West", "merseyside-pcc"},
    {"metropolitan", "London", "mopac"},
    {"norfolk", "East", "norfolk-pcc"},
    {"north-wales", "Wales", "north-wales-pcc"},
    {"north-yorkshire", "Yorkshire", "north-yorkshire-mayor"},
    {"northamptonshire", "East Midlands", "northamptonshire-pfcc"},
    {"northumbria", "North East", "northumbria-pcc"},
    {"nottinghamshire", "East Midlands", "nottinghamshire-pcc"},
    {"south-wales", "Wales", "south-wales-pcc"},
    {"south-yorkshire", "Yorkshire", "south-yorkshire-mayor"},
    {"staffordshire", "West Midlands", "staffordshire-pfcc"},
    {"suffolk", "East", "suffolk-pcc"},
    {"surrey", "South East", "surrey-pcc"},
    {"sussex", "South East", "sussex-pcc"},
    {"thames-valley", "South East", "thames-valley-pcc"},
    {"warwickshire", "West Midlands", "warwickshire-pcc"},
    {"west-mercia", "West Midlands", "west-mercia-pcc"},
    {"west-midlands", "West Midlands", "west-midlands-pcc"},
    {"west-yorkshire", "Yorkshire", "west-yorkshire-mayor"},
    {"wiltshire", "South West", "wiltshire-pcc"},
    {"btp", "National", "btp-authority"},
};

void AddRecommendation(Inspection& inspection, std::string_view number, Addressee::Kind addressee) {
  Finding& finding = *inspection.add_findings();
  finding.set_id(fmt::format("recommendation-{}", number));
  finding.set_number(std::string(number));
  finding.set_kind(Finding::RECOMMENDATION);
  finding.set_text("Share no data until a safe reporting mechanism is in place.");
  finding.add_addressees()->set_kind(addressee);
}

}  // namespace

rules::Register RegisteredForces() {
  rules::Register all;
  for (const Row& row : kRows) {
    v1::Force& force = all.forces.emplace_back();
    force.set_name(fmt::format("forces/{}", row.force));
    force.set_display_name(fmt::format("Police of {}", row.force));
    force.set_chief_officer_title("Chief Constable");
    force.set_region(std::string(row.region));
    force.set_territorial(row.force != "btp");
    v1::Body& body = all.bodies.emplace_back();
    body.set_name(fmt::format("bodies/{}", row.body));
    body.set_display_name(fmt::format("Body of {}", row.force));
    body.set_kind(v1::Body::POLICE_AND_CRIME_COMMISSIONER);
    body.set_force(force.name());
    body.add_force_links()->set_force(force.name());
  }
  return all;
}

Inspection SafeToShare() {
  Inspection inspection;
  inspection.set_title("Safe to share? Report on the super-complaint on policing and immigration status");
  inspection.add_kinds(Inspection::SUPER_COMPLAINT);
  for (const char* publisher : {"HMICFRS", "IOPC", "College of Policing"}) {
    inspection.add_publishers(publisher);
  }
  inspection.mutable_publication_date()->set_year(2020);
  inspection.mutable_publication_date()->set_month(12);
  inspection.mutable_publication_date()->set_day(17);
  inspection.set_url("https://www.gov.uk/government/publications/safe-to-share");
  inspection.set_basis(Inspection::STATUTE_S55);
  inspection.mutable_scope()->set_all_forces(true);
  AddRecommendation(inspection, "1", Addressee::ALL_CHIEF_CONSTABLES);
  AddRecommendation(inspection, "2", Addressee::HOME_OFFICE);
  AddRecommendation(inspection, "3", Addressee::NATIONAL_POLICE_CHIEFS_COUNCIL);
  AddRecommendation(inspection, "4", Addressee::ALL_CHIEF_CONSTABLES);
  AddRecommendation(inspection, "5", Addressee::CHIEF_CONSTABLES_AND_LOCAL_POLICING_BODIES);
  AddRecommendation(inspection, "6", Addressee::ALL_LOCAL_POLICING_BODIES);
  return inspection;
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  const google::rpc::BadRequest bad_request = base::BadRequestOf(status);
  for (const auto& violation : bad_request.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

}  // namespace section55::registry
