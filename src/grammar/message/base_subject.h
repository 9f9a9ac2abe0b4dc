#pragma once
// The base subject that SORT and THREAD compare: RFC 5256 2.1, exactly. Pure function, any thread. Linear in time.

#include <string>
#include <string_view>

namespace godwit::message {

struct BaseSubject {
  std::string text;  // UTF-8, in the case it came in: compare casemap()s
  // RFC 5256 3: a subj-refwd, "(fwd)" or "[fwd: ...]" was removed
  bool reply_or_forward = false;
};

// A Subject field's body as it is in the header, folded or not; encoded words are decoded.
BaseSubject base_subject(std::string_view subject);

}  // namespace godwit::message
