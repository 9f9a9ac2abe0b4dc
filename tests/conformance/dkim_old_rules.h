#pragma once
// Signatures as they were judged before RFC 6376, 8301 and 8463: rsa-sha1, RSA keys of any size, v= missing or of a draft,
// q=dns. For a corpus of that time alone: what the server refuses today still shows whether canonicalisation, selection of fields
// and hashes are right. Pure.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::conformance {

enum class OldResult { invalid, fail, pass };

// The best result of all signatures of a message; nothing if none has a bh=, as in the first drafts. `key` gives the TXT record of
// a name.
std::optional<OldResult> judge_by_old_rules(std::string_view message,
                                            const std::function<std::optional<std::string>(const std::string& name)>& key);

}  // namespace godwit::conformance
