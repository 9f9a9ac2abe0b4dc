#pragma once
// What the tests of the commands share.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "grammar/imap/command.h"

namespace godwit::imap {

// The request behind "a ", which must be of this kind.
template <class Kind>
Kind parsed(const std::string& text, const Dialect& dialect = {}) {
  auto command = parse_command("a " + text, dialect);
  EXPECT_TRUE(command.has_value()) << text << ": " << (command ? "" : command.error().text);
  if (!command) return {};
  EXPECT_EQ(command->tag, "a");
  EXPECT_TRUE(std::holds_alternative<Kind>(command->request)) << text;
  if (!std::holds_alternative<Kind>(command->request)) return {};
  return std::get<Kind>(command->request);
}

// "" if it was accepted, else the cause: "syntax".
inline std::string refusal(const std::string& text, const Dialect& dialect = {}) {
  const auto command = parse_command("a " + text, dialect);
  if (command) return "";
  EXPECT_LE(command.error().position, text.size() + 2) << text;
  EXPECT_FALSE(command.error().text.empty()) << text;
  EXPECT_EQ(command.error().kind, Error::Kind::permanent);
  return std::string(to_string(command.error().cause));
}

#define EXPECT_BAD(text) EXPECT_EQ(refusal(text), "syntax") << (text)
#define EXPECT_UNKNOWN(text) EXPECT_EQ(refusal(text), "unsupported") << (text)

}  // namespace godwit::imap
