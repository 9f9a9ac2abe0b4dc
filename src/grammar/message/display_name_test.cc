#include "grammar/message/display_name.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

std::string name_of(std::string_view field) { return display_name(parse_envelope_addresses(field)); }

TEST(DisplayName, FirstAddress_AsRfc5957Says) {
  EXPECT_EQ(name_of(""), "");
  EXPECT_EQ(name_of("Anna <anna@a.test>, Bert <b@b.test>"), "Anna");
  EXPECT_EQ(name_of("anna@a.test"), "anna@a.test");
  EXPECT_EQ(name_of("=?utf-8?q?J=C3=BCrgen?= <j@a.test>"), "J\u00fcrgen");
  EXPECT_EQ(name_of("\"Smith, J\" <j@a.test>"), "Smith, J");
  EXPECT_EQ(name_of("Friends: a@a.test, b@b.test;"), "Friends");
  EXPECT_EQ(name_of("undisclosed-recipients:;"), "undisclosed-recipients");
}

}  // namespace
}  // namespace godwit::message
