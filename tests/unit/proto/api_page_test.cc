// Keeps proto/API.md true: it is what the protos say today. With SECTION55_WRITE_API_PAGE set (`make api`) it is written instead.
#include "tests/unit/proto/api_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace section55::api_page {
namespace {

using ::testing::HasSubstr;

// The descriptor set is made with the generated code; the page lies beside the protos.
const char* const kDescriptors = SECTION55_DESCRIPTOR_SET;
const char* const kPage = SECTION55_API_PAGE;

std::string Read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

google::protobuf::FileDescriptorSet Descriptors() {
  google::protobuf::FileDescriptorSet files;
  EXPECT_TRUE(files.ParseFromString(Read(kDescriptors))) << kDescriptors;
  return files;
}

TEST(ApiPage, IsWhatTheProtosSay) {
  const std::string page = Make(Descriptors());
  if (std::getenv("SECTION55_WRITE_API_PAGE") != nullptr) {
    std::ofstream(kPage, std::ios::binary) << page;
  }
  // Not EXPECT_EQ: the difference of two long pages helps nobody.
  EXPECT_TRUE(Read(kPage) == page) << "proto/API.md is not what the protos say: run \"make api\"";
}

TEST(ApiPage, SaysWhoMayCallWhatFieldsMeanAndWhereTypesStand) {
  const std::string page = Make(Descriptors());
  EXPECT_THAT(page, HasSubstr("#### ResponseAuthoring.GetResponse\n"));
  EXPECT_THAT(page, HasSubstr("- Request: [authoring.v1.GetResponseRequest](#authoringv1getresponserequest)\n"));
  EXPECT_THAT(page, HasSubstr("- Answer: a stream of [common.v1.FollowResponse](#commonv1followresponse)\n"));
  EXPECT_THAT(
      page,
      HasSubstr("- Who may call: `AUDITOR`, `AUTHOR`, `APPROVER`, `PUBLISHER`, the service `inspection-registry`"));
  EXPECT_THAT(page, HasSubstr("; for the tenant in `parent`"));
  EXPECT_THAT(page, HasSubstr("| `AUDITOR` | 7 | Reads everything, changes nothing. National. |"));
  EXPECT_THAT(page, HasSubstr("| `event_id` (2) | string | A UUID, the same in every delivery. |"));
}

}  // namespace
}  // namespace section55::api_page
