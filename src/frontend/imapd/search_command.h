#pragma once
// What the commands SEARCH, SORT and THREAD share.

#include <optional>
#include <string>
#include <vector>

#include "frontend/imapd/output.h"
#include "frontend/imapd/reply.h"
#include "frontend/imapd/search_response.h"
#include "frontend/imapd/selected.h"

namespace godwit::imapd {

// `uids` of the view become its message numbers.
void uids_to_numbers(const mailbox::UidSet& view, std::vector<std::uint32_t>& uids);

// "* SEARCH 2 3 (MODSEQ 5)": RFC 3501 7.2.5, RFC 5256 4, RFC 7162 3.1.6
Task<> tell_numbers(Output& out, std::string name, Matches matches);

// Whether it asks for a keyword: then those that other sessions have made meanwhile must be known.
bool names_keywords(const imap::SearchKey& key);

// The answer to a search that failed. RFC 5182 2.1: a NO empties `$`, if the command was to save.
Reply search_failed(const Error& error, const std::optional<imap::ReturnOptions>& options, Selected& selected);

}  // namespace godwit::imapd
