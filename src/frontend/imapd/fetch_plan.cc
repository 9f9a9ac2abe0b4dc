#include "frontend/imapd/fetch_plan.h"

#include <algorithm>
#include <utility>

#include "grammar/imap/writer.h"
#include "state/mailbox/details.h"

namespace godwit::imapd {
namespace {

using imap::FetchItem;
using Kind = FetchItem::Kind;
using mailbox::Details;

bool has_bytes(Kind kind) {
  switch (kind) {
    case Kind::rfc822:
    case Kind::rfc822_header:
    case Kind::rfc822_text:
    case Kind::body:
    case Kind::binary:
    case Kind::binary_size: return true;
    default: return false;
  }
}

FetchItem item_of(Kind kind) {
  FetchItem out;
  out.kind = kind;
  return out;
}

// The same response, however it was asked for.
bool is_same(const FetchItem& a, const FetchItem& b) { return a.kind == b.kind && a.section == b.section && a.partial == b.partial; }

void add(FetchPlan& plan, FetchItem item, const imap::Dialect& dialect) {
  if (std::ranges::any_of(plan.items, [&](const PlannedItem& each) { return is_same(each.item, item); })) return;
  PlannedItem& planned = plan.items.emplace_back();
  imap::append_item_name(planned.label, item, dialect);
  planned.label += ' ';
  planned.has_bytes = has_bytes(item.kind);
  if (planned.has_bytes) {
    planned.needs = needs_of(item);
    plan.emails = true;
    if (planned.needs == SectionNeeds::structure) plan.details |= Details::kStructure;
  }
  switch (item.kind) {
    case Kind::envelope: plan.details |= Details::kEnvelope; break;
    case Kind::body_structure:
    case Kind::body_basic: plan.details |= Details::kStructure; break;
    case Kind::preview: plan.details |= Details::kPreview; break;
    case Kind::thread_id: plan.emails = true; break;
    case Kind::flags: plan.flags = true; break;
    case Kind::modseq: plan.modseq = true; break;
    default: break;
  }
  planned.item = std::move(item);
}

}  // namespace

FetchPlan make_fetch_plan(std::vector<FetchItem> items, FetchExtras extras, const imap::Dialect& dialect) {
  FetchPlan plan;
  if (extras.uid) add(plan, item_of(Kind::uid), dialect);
  for (auto& item : items) add(plan, std::move(item), dialect);
  if (extras.modseq || (extras.modseq_with_flags && plan.flags)) add(plan, item_of(Kind::modseq), dialect);
  return plan;
}

}  // namespace godwit::imapd
