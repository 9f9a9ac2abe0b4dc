#pragma once
// What a FETCH must read of each message for the items asked for, worked out once a command. Values and pure functions, any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/imapd/section.h"
#include "grammar/imap/fetch_item.h"

namespace godwit::imapd {

struct PlannedItem {
  imap::FetchItem item;
  std::string label;  // "BODY[HEADER]<0> ", with the blank behind it
  bool has_bytes = false;
  SectionNeeds needs = SectionNeeds::nothing;  // of those
};

struct FetchPlan {
  std::vector<PlannedItem> items;  // in the order asked for, each once; UID first if it goes without saying
  bool emails = false;             // Email is needed
  std::uint8_t details = 0;        // bits of Details::Want
  bool flags = false;
  bool modseq = false;

  bool plain() const { return !emails && details == 0; }  // MessageInfo is enough
};

struct FetchExtras {
  bool uid = false;                // UID FETCH
  bool modseq = false;             // RFC 7162 3.1.4.1: CHANGEDSINCE asks for it
  bool modseq_with_flags = false;  // CONDSTORE is on
};

FetchPlan make_fetch_plan(std::vector<imap::FetchItem> items, FetchExtras extras, const imap::Dialect& dialect);

}  // namespace godwit::imapd
