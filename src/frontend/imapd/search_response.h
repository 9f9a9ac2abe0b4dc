#pragma once
// What SEARCH and SORT say: RFC 3501 7.2.5, RFC 9051 7.3.4 (ESEARCH), RFC 5256 4 (SORT), RFC 4731 3, RFC 5267 3 (ESORT), RFC 7162 3.1.6 and
// 3.1.10 (MODSEQ), RFC 5182 2.4 (SAVE). Pure functions, any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/imap/command.h"
#include "grammar/imap/sequence_set.h"

namespace godwit::imapd {

// Messages in the order of the answer, ascending for SEARCH, and what goes with them. UIDs or message numbers.
struct Matches {
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint64_t> modseqs;  // of each; empty: nobody asked for MODSEQ
};

// "5,3:4,1": numbers that follow each other are a range, in the order given (RFC 5267 3.2).
void append_set_in_order(std::string& out, std::span<const std::uint32_t> numbers);

// RFC 4731 3.2: the one MODSEQ that goes with these options. Nothing: none was asked for, or nothing found.
std::optional<std::uint64_t> modseq_of(const Matches& matches, const imap::ReturnOptions& options);

// "* ESEARCH (TAG "a") UID MIN 1 MAX 9 ALL 1:9 COUNT 9 MODSEQ 7" CRLF
void append_esearch(std::string& out, std::string_view tag, bool uid, const Matches& matches, const imap::ReturnOptions& options);

// RFC 5182 2.4: what of `found` (UIDs in the order of the answer) is saved as `$`.
imap::NumberSet saved_of(std::span<const std::uint32_t> found, const imap::ReturnOptions& options);

// Whether anything is to be said at all: SAVE alone is silent.
bool says_something(const imap::ReturnOptions& options);

}  // namespace godwit::imapd
