#pragma once
// Who is asked about: the <sender> and <domain> of RFC 7208 4.1, made of what the client said. Pure; any thread.

#include <string>
#include <string_view>

#include "check/spf/verdict.h"

namespace godwit::spf {

struct Sender {
  std::string local;   // never empty; as written, quotes included; may be UTF-8
  std::string domain;  // A-labels in lower case, no final dot; whatever the client said where that is no domain
};

// RFC 7208 2.4: postmaster@HELO for HELO and for a null reverse path; 4.3: "postmaster" where there is no local part.
Sender sender_of(const Question& question);

// RFC 7208 4.3: a name of several labels that an identity may have: letters, digits, hyphens and underscores, at most 253 bytes.
bool is_checkable(std::string_view domain);

// Whether the DNS can be asked about it: labels of 1 to 63 bytes, at most 253 in all, no final dot. Any bytes.
bool is_name(std::string_view target);

// A name with its labels as they are, in the presentation form that dns::Resolver takes (RFC 7208 4.8: no escapes in a target).
std::string to_presentation(std::string_view target);

}  // namespace godwit::spf
