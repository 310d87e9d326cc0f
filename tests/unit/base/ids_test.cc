#include "libs/base/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <thread>
#include <vector>

namespace section55::base {
namespace {

TEST(IdsTest, UuidsAreVersion4AndDiffer) {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = NewUuid();
    EXPECT_TRUE(std::regex_match(uuid, form)) << uuid;
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(IdsTest, OrderedIdsGrowWhoeverAsks) {
  std::vector<std::thread> threads;
  std::array<std::vector<int64_t>, 4> ids;
  for (std::vector<int64_t>& theirs : ids) {
    threads.emplace_back([&theirs] {
      for (int i = 0; i < 10'000; ++i) {
        theirs.push_back(NewOrderedId());
      }
    });
  }
  std::set<int64_t> all;
  for (size_t i = 0; i < threads.size(); ++i) {
    threads[i].join();
    EXPECT_GT(ids[i].front(), 0);
    EXPECT_TRUE(std::is_sorted(ids[i].begin(), ids[i].end()));
    all.insert(ids[i].begin(), ids[i].end());
  }
  EXPECT_EQ(all.size(), 40'000u);
}

TEST(IdsTest, Sha256) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(IdsTest, Sha256OfPiecesIsThatOfTheWhole) {
  Sha256 digest;
  for (const char* piece : {"a", "", "bc"}) {
    digest.Add(piece);
  }
  EXPECT_EQ(digest.Hex(), Sha256Hex("abc"));
}

TEST(IdsTest, ResourceIds) {
  for (const std::string& id : {std::string("a"), std::string("norfolk-pcc"), std::string("7"), std::string(63, 'a')}) {
    EXPECT_TRUE(IsResourceId(id)) << id;
  }
  for (const std::string& id :
       {std::string(), std::string("-"), std::string("-a"), std::string("a-"), std::string("A"), std::string("a_b"),
        std::string("a b"), std::string("é"), std::string(64, 'a'), std::string("a\0b", 3)}) {
    EXPECT_FALSE(IsResourceId(id)) << id;
  }
}

}  // namespace
}  // namespace section55::base
