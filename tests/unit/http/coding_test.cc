#include "libs/http/coding.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace section55::http {
namespace {

std::string Gunzip(const std::string& compressed) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string plain(1'000'000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

TEST(ChooseCodingTest, SendsGzipOnlyToWhoWantsIt) {
  for (const std::string_view header :
       {"gzip", "GZIP", "x-gzip", "br, gzip", "gzip;q=0.001", "gzip; q=1.0", "gzip ;Q=0.5", "*", "*;q=0.1",
        "deflate, *;q=0.5", "gzip, identity;q=0.5", "gzip;q=0.5, identity;q=0.5", "identity;q=0, gzip;q=0.1"}) {
    EXPECT_EQ(ChooseCoding(header, /*worth_it=*/true), Coding::kGzip) << header;
  }
  for (const std::string_view header : {"",
                                        " ",
                                        "br",
                                        "deflate",
                                        "identity",
                                        "gzip;q=0",
                                        "gzip;q=0.0",
                                        "gzip;q=0.000",
                                        "gzip;q=0, *",
                                        "*;q=0",
                                        "gzip;q=0.5, identity",
                                        "gzip;q=0.5, identity;q=0.6",
                                        "gzip;q=x",
                                        "gzip;q=",
                                        "gzip;q=-1",
                                        "gzip;q=2",
                                        "gzip;q=nan",
                                        "gzipped",
                                        "identity;q=0",
                                        "identity;q=0, gzip;q=0"}) {
    EXPECT_EQ(ChooseCoding(header, /*worth_it=*/true), Coding::kIdentity) << header;
  }
}

TEST(ChooseCodingTest, CompressesWhatIsSmallOnlyForWhoTakesNothingElse) {
  EXPECT_EQ(ChooseCoding("gzip", /*worth_it=*/false), Coding::kIdentity);
  EXPECT_EQ(ChooseCoding("gzip, identity;q=0", /*worth_it=*/false), Coding::kGzip);
  EXPECT_EQ(ChooseCoding("gzip, *;q=0", /*worth_it=*/false), Coding::kGzip);
}

TEST(GzipTest, GivesBackTheSameBytes) {
  for (const std::string& bytes :
       {std::string(), std::string("a"), std::string(100'000, 'b'), std::string("\0\xff", 2)}) {
    EXPECT_EQ(Gunzip(Gzip(bytes)), bytes);
    EXPECT_EQ(Gzip(bytes), Gzip(bytes));
  }
}

TEST(SharedBodiesTest, HoldsOneBodyOnceForAllWhoReadIt) {
  SharedBodies bodies;
  const auto body = [](const std::string& text) { return std::make_shared<const std::string>(text); };
  auto first = bodies.Share("page", body("text"));
  EXPECT_EQ(bodies.Share("page", body("text")), first);
  EXPECT_NE(bodies.Share("other", body("text")), first);
  EXPECT_NE(bodies.Share("", body("text")), bodies.Share("", body("text")));
  const std::weak_ptr<const std::string> held = first;
  first.reset();
  EXPECT_TRUE(held.expired()) << "what nobody sends any more takes no memory";
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(*bodies.Share(std::to_string(i), body("b")), "b");
  }
}

TEST(CompressedFormsTest, MakesEachFormOnce) {
  CompressedForms forms(1'000'000);
  const std::string body(5000, 'a');
  const auto first = forms.Get("page", body);
  EXPECT_EQ(forms.Get("page", body), first);
  EXPECT_EQ(forms.made(), 1);
  EXPECT_EQ(Gunzip(*forms.Get("other", "b")), "b");
  EXPECT_EQ(forms.made(), 2);
  forms.Get("", body);
  forms.Get("", body);
  EXPECT_EQ(forms.made(), 4);
}

TEST(CompressedFormsTest, ForgetsWhatWasNotAskedForTheLongestTime) {
  const std::string body(5000, 'a');
  CompressedForms forms(2 * Gzip(body).size());
  forms.Get("a", body);
  forms.Get("b", body);
  forms.Get("a", body);
  forms.Get("c", body);
  EXPECT_EQ(forms.made(), 3);
  forms.Get("a", body);
  EXPECT_EQ(forms.made(), 3);
  forms.Get("b", body);
  EXPECT_EQ(forms.made(), 4);
}

TEST(CompressedFormsTest, DoesNotKeepWhatIsTooLarge) {
  CompressedForms forms(10);
  EXPECT_EQ(Gunzip(*forms.Get("a", std::string(5000, 'a'))), std::string(5000, 'a'));
  forms.Get("a", std::string(5000, 'a'));
  EXPECT_EQ(forms.made(), 2);
}

}  // namespace
}  // namespace section55::http
