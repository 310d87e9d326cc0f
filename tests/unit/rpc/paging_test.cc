#include "libs/rpc/paging.h"

#include <gmock/gmock.h>

#include "libs/testing/matchers.h"
#include "section55/admin/v1/admin.pb.h"
#include "section55/authoring/v1/response_authoring.pb.h"

namespace section55::rpc {
namespace {

using section55::testing::ViolationOn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

authoring::v1::ListResponsesRequest Query(const std::string& parent) {
  authoring::v1::ListResponsesRequest request;
  request.set_parent(parent);
  return request;
}

std::vector<std::string> Read(const google::protobuf::Message& request, absl::Status& status, size_t key_size = 2) {
  base::Violations violations;
  auto key = ReadPageToken(request, key_size, violations);
  status = violations.ToStatus();
  return key;
}

TEST(PageSizeTest, IsBounded) {
  base::Violations violations;
  EXPECT_EQ(PageSize(0, violations), 50);
  EXPECT_EQ(PageSize(1, violations), 1);
  EXPECT_EQ(PageSize(1000, violations), 1000);
  EXPECT_EQ(PageSize(1001, violations), 1000);
  EXPECT_EQ(PageSize(0, violations, 7, 9), 7);
  EXPECT_EQ(PageSize(10, violations, 7, 9), 9);
  EXPECT_TRUE(violations.empty());
  PageSize(-1, violations);
  EXPECT_THAT(violations.ToStatus(), ViolationOn("page_size"));
}

TEST(PageTokenTest, CarriesTheKeyThroughItsOwnQuery) {
  auto request = Query("bodies/-");
  const std::vector<std::string> key = {"norfolk-pcc", std::string("\0/\xff", 3)};
  const std::string token = MakePageToken(request, key);
  absl::Status status;
  EXPECT_THAT(Read(request, status), IsEmpty());
  EXPECT_TRUE(status.ok());
  request.set_page_token(token);
  request.set_page_size(7);
  EXPECT_EQ(Read(request, status), key);
  EXPECT_TRUE(status.ok());
  // The next page's token does not depend on this page's.
  EXPECT_EQ(MakePageToken(request, key), token);
}

TEST(PageTokenTest, PartsStayApart) {
  const auto request = Query("bodies/-");
  EXPECT_NE(MakePageToken(request, {"ab", "c"}), MakePageToken(request, {"a", "bc"}));
}

TEST(PageTokenTest, AnotherQuerysTokenIsRefused) {
  const std::string token = MakePageToken(Query("bodies/norfolk-pcc"), {"a", "b"});
  auto other = Query("bodies/suffolk-pcc");
  other.set_page_token(token);
  absl::Status status;
  EXPECT_THAT(Read(other, status), IsEmpty());
  EXPECT_THAT(status, ViolationOn("page_token"));
  // Another method's, with the same fields.
  admin::v1::ListParkedEventsRequest parked;
  parked.set_page_token(MakePageToken(Query(""), {"a", "b"}));
  Read(parked, status);
  EXPECT_THAT(status, ViolationOn("page_token"));
  // A key of another size.
  auto same = Query("bodies/norfolk-pcc");
  same.set_page_token(token);
  Read(same, status, 3);
  EXPECT_THAT(status, ViolationOn("page_token"));
}

TEST(PageTokenTest, DamageIsFound) {
  auto request = Query("bodies/-");
  const std::string token = MakePageToken(request, {"norfolk-pcc", "safe-to-share"});
  absl::Status status;
  for (size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    request.set_page_token(damaged);
    EXPECT_THAT(Read(request, status), IsEmpty()) << i;
    EXPECT_THAT(status, ViolationOn("page_token")) << i;
    request.set_page_token(token.substr(0, i));
    Read(request, status);
    EXPECT_EQ(status.ok(), i == 0) << i;
  }
  request.set_page_token(token + "=");
  Read(request, status);
  EXPECT_THAT(status, ViolationOn("page_token"));
}

// The rows 0 to 9, by pages of `size`; one list of numbers for each page.
std::vector<std::vector<int64_t>> Walk(int size) {
  std::vector<std::vector<int64_t>> pages;
  authoring::v1::ListResponsesRequest request = Query("bodies/-");
  request.set_page_size(size);
  do {
    base::Violations violations;
    const auto paging = ReadPaging<int64_t, std::string>(request, violations);
    EXPECT_TRUE(violations.empty());
    std::vector<int64_t>& rows = pages.emplace_back();
    for (int64_t row = paging.after ? std::get<0>(*paging.after) + 1 : 0;
         row < 10 && rows.size() < static_cast<size_t>(paging.limit()); ++row) {
      rows.push_back(row);
    }
    authoring::v1::ListResponsesResponse response;
    FinishPage(
        request, paging, rows, [](int64_t row) { return std::make_tuple(row, "row-" + std::to_string(row)); },
        response);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && pages.size() < 11);
  return pages;
}

TEST(PagingTest, WalksFromPageToPageAndEndsWithTheLastRow) {
  EXPECT_THAT(Walk(4), ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7), ElementsAre(8, 9)));
  EXPECT_THAT(Walk(5), ElementsAre(ElementsAre(0, 1, 2, 3, 4), ElementsAre(5, 6, 7, 8, 9)));
  EXPECT_THAT(Walk(1000), ElementsAre(::testing::SizeIs(10)));
}

TEST(PagingTest, PartsOfAnotherKindAreRefused) {
  authoring::v1::ListResponsesRequest request = Query("bodies/-");
  const auto refusal = [&](const std::vector<std::string>& key) {
    request.set_page_token(MakePageToken(request, key));
    base::Violations violations;
    const auto paging = ReadPaging<int64_t, std::string>(request, violations);
    EXPECT_EQ(paging.after.has_value(), violations.empty());
    return violations.ToStatus();
  };
  EXPECT_THAT(refusal({"-7", "safe-to-share"}), section55::testing::IsOk());
  EXPECT_THAT(refusal({"7", ""}), section55::testing::IsOk());
  EXPECT_THAT(refusal({"seven", "a"}), ViolationOn("page_token"));
  EXPECT_THAT(refusal({"7 ", "a"}), ViolationOn("page_token"));
  EXPECT_THAT(refusal({"99999999999999999999", "a"}), ViolationOn("page_token"));
  EXPECT_THAT(refusal({"7", "A"}), ViolationOn("page_token"));
  EXPECT_THAT(refusal({"7", "a\xff"}), ViolationOn("page_token"));
  EXPECT_THAT(refusal({"7"}), ViolationOn("page_token"));
}

}  // namespace
}  // namespace section55::rpc
