#pragma once
// The three header fields of an ARC set as typed values (RFC 8617 4.1). Pure; any thread. Errors are `syntax` with a sentence.

#include <string>
#include <string_view>

#include "base/result.h"
#include "check/dkim/signature.h"

namespace godwit::arc {

inline constexpr unsigned kMaxInstance = 50;  // RFC 8617 4.2.1
inline constexpr std::string_view kResultsField = "arc-authentication-results";
inline constexpr std::string_view kMessageField = "arc-message-signature";
inline constexpr std::string_view kSealField = "arc-seal";

enum class ChainState : std::uint8_t { none, pass, fail };  // RFC 8617 4.4
std::string_view to_string(ChainState state);

struct Results {  // RFC 8617 4.1.1
  unsigned instance = 0;
  std::string_view body;  // behind the instance: what Authentication-Results has behind its colon
};

// An AMS or a seal is a DKIM signature with an instance for its identity. A seal has no body hash and no fields.
struct Signed {
  unsigned instance = 0;
  ChainState state = ChainState::none;  // cv=, of a seal
  bool no_canonicalization = false;     // there is no c=
  dkim::Signature signature;
};

// `text` is what stands behind the field's colon.
godwit::Result<Results> parse_results(std::string_view text);
godwit::Result<Signed> parse_message_signature(std::string_view text);
godwit::Result<Signed> parse_seal(std::string_view text);

}  // namespace godwit::arc
