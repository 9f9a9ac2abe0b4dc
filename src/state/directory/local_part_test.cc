#include "state/directory/local_part.h"

#include <gtest/gtest.h>

namespace godwit::directory {
namespace {

TEST(NormaliseLocal, Spellings_MeanOneMailbox) {
  struct Case {
    std::string name, input, expected;
  };
  const Case cases[] = {
      {"lower", "anna", "anna"},
      {"case", "Anna.Maria+List", "anna.maria+list"},
      {"precomposed", "j\xc3\xbcrgen", "j\xc3\xbcrgen"},
      {"decomposed", "ju\xcc\x88rgen", "j\xc3\xbcrgen"},
      {"only ASCII case", "J\xc3\x9cRGEN", "j\xc3\x9crgen"},
      {"blank", "john doe", "john doe"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(normalise_local(each.input), each.expected);
  }
}

TEST(WithoutTag, FirstPlus_EndsTheName) {
  EXPECT_EQ(without_tag("anna+x"), "anna");
  EXPECT_EQ(without_tag("anna+x+y"), "anna");
  EXPECT_EQ(without_tag("anna+"), "anna");
  EXPECT_EQ(without_tag("anna"), std::nullopt);
  EXPECT_EQ(without_tag("+x"), std::nullopt);
}

}  // namespace
}  // namespace godwit::directory
