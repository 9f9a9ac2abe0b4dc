#include "frontend/imapd/fetch_structures.h"

#include <algorithm>

#include "frontend/imapd/body_structure_text.h"
#include "frontend/imapd/derived_kinds.h"
#include "frontend/imapd/fetch_values.h"
#include "frontend/imapd/number_text.h"

namespace godwit::imapd {
namespace {

using Kind = imap::FetchItem::Kind;
using mailbox::Details;

constexpr std::size_t kMany = 32;  // fewer messages are looked at without a listing of the mailbox
constexpr std::size_t kMaxText = 8 * 1024;

bool is_structure(const PlannedItem& planned) { return planned.item.kind == Kind::body_structure || planned.item.kind == Kind::body_basic; }

// The record is the item's text; empty where there is none, or a larger one.
mailbox::Derivation derive_structure(bool extended, const imap::Dialect& dialect) {
  const unsigned how = (extended ? 1u : 0u) | (dialect.utf8_accept ? 2u : 0u) | (dialect.rev2 ? 4u : 0u);
  return {.kind = static_cast<std::uint8_t>(kDerivedStructure + how),
          .want = Details::kStructure,
          .make = [extended, dialect](const mailbox::MessageInfo& /*info*/, const Details* details) {
            std::string out;
            if (details != nullptr) append_body_structure(out, details->structure, 0, extended, dialect);
            if (out.size() > kMaxText) out.clear();
            return out;
          }};
}

// "* 5 FETCH (UID 7 BODYSTRUCTURE (...))" CRLF
void append_response(std::string& out, const FetchPlan& plan, const Numbered& message, std::string_view structure) {
  out += "* ";
  append_number(out, message.sequence);
  out += " FETCH ";
  char before = '(';
  for (const auto& planned : plan.items) {
    out += before;
    out += planned.label;
    if (is_structure(planned))
      out += structure;
    else
      append_number(out, message.uid);
    before = ' ';
  }
  out += ")\r\n";
}

mailbox::Uid page_of(const Numbered& message) { return message.uid / mailbox::kDerivedUids; }

}  // namespace

bool is_for_fetch_structures(const FetchPlan& plan, std::size_t messages) {
  const auto is_known = [](const PlannedItem& planned) { return is_structure(planned) || planned.item.kind == Kind::uid; };
  return messages >= kMany && std::ranges::all_of(plan.items, is_known) && std::ranges::count_if(plan.items, is_structure) == 1;
}

Task<Result<StructuresFetched>> fetch_structures(Fetching& fetching, const FetchPlan& plan, const std::vector<Numbered>& messages) {
  const bool extended = std::ranges::find_if(plan.items, is_structure)->item.kind == Kind::body_structure;
  const mailbox::Derivation derivation = derive_structure(extended, fetching.dialect);
  GODWIT_CO_ASSIGN(const mailbox::Listing listing, co_await fetching.mailboxes.listing(fetching.account, fetching.mailbox));
  StructuresFetched done;
  for (std::size_t begin = 0, end = 0; begin < messages.size() && !fetching.out.broken(); begin = end) {
    while (end < messages.size() && page_of(messages[end]) == page_of(messages[begin])) ++end;
    auto ranges = ranges_of(messages, begin, end);
    GODWIT_CO_ASSIGN(const auto page, co_await fetching.mailboxes.derived(listing, std::move(ranges), derivation));
    std::size_t at = 0;
    for (std::size_t i = begin; i < end && !fetching.out.broken(); ++i) {
      while (at < page->count() && page->uid(at) < messages[i].uid) ++at;
      if (at == page->count() || page->uid(at) != messages[i].uid || !listing.uids.contains(messages[i].uid)) {
        ++done.gone;
      } else if (page->record(at).empty()) {
        done.left.push_back(messages[i]);
      } else {
        append_response(fetching.out.buffer(), plan, messages[i], page->record(at));
        if (fetching.out.large()) co_await fetching.out.flush();
      }
    }
  }
  co_return done;
}

}  // namespace godwit::imapd
