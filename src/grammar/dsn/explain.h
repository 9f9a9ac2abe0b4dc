#pragma once
// What a status means to a person, by class, subject and detail of RFC 3463 (and the registry of RFC 5248): a table of a language.
//
//   1.1 | no such mailbox | There is no mailbox with this address. | Check the address for a typing mistake.
//
// In front: subject and detail; "1." for every other detail of the subject; "relay" (a 7.x whose words speak of relaying), "greylist"
// (a 4.x.x whose words do), "other" (required). Then the reason in some words, what happened, what the sender can do. "#": a comment.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/dsn/template.h"

namespace godwit::dsn {

struct Explanation {
  std::string reason;  // some words, for a Subject: "no such mailbox"
  std::string what;    // a sentence: what happened
  std::string advice;  // a sentence: what the sender can do
};

class Explanations {
 public:
  static std::expected<Explanations, TemplateProblem> parse(std::string_view text);

  // `status` is "5.1.1"; `words` are the remote's own (they tell a refused relay from other refusals, for example).
  const Explanation& find(std::string_view status, std::string_view words) const;

 private:
  struct Entry {
    std::string code;
    Explanation explanation;
  };
  const Explanation* named(std::string_view code) const;
  static std::expected<Entry, std::string> read_line(std::string_view line);

  std::vector<Entry> entries_;  // "other" is among them
};

// In English, as shipped.
const Explanation& explain(std::string_view status, std::string_view words);

}  // namespace godwit::dsn
