#pragma once
// What a status means to a person, by class, subject and detail of RFC 3463 (and the registry of RFC 5248).

#include <string_view>

namespace godwit::dsn {

struct Explanation {
  std::string_view reason;  // some words, for a Subject: "no such mailbox"
  std::string_view what;    // a sentence: what happened
  std::string_view advice;  // a sentence: what the sender can do
};

// `status` is "5.1.1"; `words` are the remote's own (they tell a refused relay from other refusals, for example).
Explanation explain(std::string_view status, std::string_view words);

}  // namespace godwit::dsn
