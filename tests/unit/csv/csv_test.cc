#include "libs/csv/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace section55::csv {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Cells = std::vector<std::string>;

struct File {
  std::vector<Cells> rows;
  std::vector<int64_t> lines;
  std::string problem;
  int64_t problem_line = 0;
};

File Read(std::string_view bytes, size_t piece = 1'000) {
  File file;
  Reader reader;
  const auto each = [&](Row row) {
    file.rows.push_back(std::move(row.cells));
    file.lines.push_back(row.line);
  };
  bool sound = true;
  for (size_t i = 0; i < bytes.size() && sound; i += piece) {
    sound = reader.Read(bytes.substr(i, piece), each);
  }
  if (!sound || !reader.Finish(each)) {
    file.problem = reader.problem();
    file.problem_line = reader.problem_line();
  }
  return file;
}

TEST(Csv, ReadsWhatTheStandardSays) {
  for (const size_t piece : {1, 2, 3, 1'000}) {
    const File file = Read(
        "\xEF\xBB\xBF"
        "a,b\r\n\"x \"\"y\"\", z\", ŵ \r\n,\r\n\r\n\"line\r\nend\",2\n3,4",
        piece);
    EXPECT_THAT(file.problem, IsEmpty());
    EXPECT_THAT(file.rows, ElementsAre(Cells{"a", "b"}, Cells{"x \"y\", z", " ŵ "}, Cells{"", ""},
                                       Cells{"line\r\nend", "2"}, Cells{"3", "4"}));
    EXPECT_THAT(file.lines, ElementsAre(1, 2, 3, 5, 7)) << piece;
  }
}

TEST(Csv, NothingIsAFileToo) {
  EXPECT_THAT(Read("").rows, IsEmpty());
  EXPECT_THAT(Read("\xEF\xBB\xBF").rows, IsEmpty());
  EXPECT_THAT(Read("\xEF\xBB").rows, ElementsAre(Cells{"\xEF\xBB"}));
}

TEST(Csv, SaysWhereItIsNone) {
  EXPECT_EQ(Read("a,b\r\nc\"d,e\r\n").problem_line, 2);
  EXPECT_EQ(Read("a\r\n\"b\"c\r\n").problem_line, 2);
  const File open = Read("a\r\nb\r\n\"c\r\nd\r\n");
  EXPECT_EQ(open.problem_line, 3);
  EXPECT_THAT(open.problem, ::testing::HasSubstr("not closed"));
}

TEST(Csv, AQuoteThatIsNotClosedDoesNotSwallowTheRest) {
  Reader reader;
  int rows = 0;
  const auto count = [&](Row) { ++rows; };
  ASSERT_TRUE(reader.Read("a,b\r\n1,\"2\r\n", count));
  const std::string more(100'000, 'x');
  int pieces = 0;
  while (pieces < 100 && reader.Read(more + "\r\n", count)) {
    ++pieces;
  }
  EXPECT_LT(pieces, 25);
  EXPECT_EQ(rows, 1);
  EXPECT_EQ(reader.problem_line(), 2);
  EXPECT_THAT(reader.problem(), ::testing::HasSubstr("larger than"));
  EXPECT_FALSE(reader.Finish(count));

  // The largest row there may be, and one byte more; and rows without number.
  const std::string largest(kLargestRow - 1, 'x');
  EXPECT_THAT(Read("a," + largest + "\r\n").rows, ::testing::SizeIs(1));
  EXPECT_EQ(Read("a,x" + largest + "\r\nnext\r\n").problem_line, 1);
}

TEST(Csv, WhatIsWrittenIsRead) {
  const std::vector<Cells> rows = {{"a", "", " b "}, {"\"", "x,y", "l\nm\r\n"}, {"ŷ“”", "- list", "'"}};
  std::string file;
  for (const Cells& row : rows) {
    AppendRow(row, file);
  }
  EXPECT_EQ(file, "a,,\" b \"\r\n\"\"\"\",\"x,y\",\"l\nm\r\n\"\r\nŷ“”,- list,'\r\n");
  EXPECT_EQ(Read(file).rows, rows);
}

}  // namespace
}  // namespace section55::csv
