#include "check/dmarc/walk.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::dmarc {
namespace {

constexpr std::size_t kMaxLabels = 8;  // RFC 9989 4.10: "do not result in more than eight DNS queries"

std::size_t labels_of(std::string_view name) { return static_cast<std::size_t>(std::ranges::count(name, '.')) + 1; }

std::string_view parent_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

// The ancestor of `domain` (or itself) that is one label below `above`.
std::string one_below(std::string_view domain, std::string_view above) {
  while (parent_of(domain) != above && !domain.empty()) domain = parent_of(domain);
  return std::string(domain);
}

struct Step {
  std::string domain;
  PublicSuffix public_suffix;
};

// RFC 9989 4.10.2: from the longest to the shortest
void select(Walk& out, const std::string& start, const std::vector<Step>& found) {
  out.organizational_domain = start;
  std::string suffix;
  for (const Step& step : found) {
    out.organizational_domain = step.domain;  // rule 3: the fewest labels, unless another rule comes first
    if (step.public_suffix == PublicSuffix::no) break;
    if (step.public_suffix == PublicSuffix::yes && step.domain != start) {
      out.organizational_domain = one_below(start, step.domain);
      suffix = step.domain;
      break;
    }
  }
  // RFC 9989 4.10.1: the author domain, its organisational domain, its public suffix domain
  for (const std::string& wanted : {start, out.organizational_domain, suffix}) {
    if (!out.record_domain.empty() || wanted.empty()) continue;
    if (std::ranges::find(found, wanted, &Step::domain) != found.end()) out.record_domain = wanted;
  }
}

}  // namespace

std::vector<std::string> walk_targets(std::string_view domain) {
  std::vector<std::string> out;
  if (domain.empty()) return out;
  out.emplace_back(domain);
  // RFC 9989 4.10 step 4: behind the first question 7 labels at most
  do domain = parent_of(domain);
  while (!domain.empty() && labels_of(domain) >= kMaxLabels);
  for (; !domain.empty(); domain = parent_of(domain)) out.emplace_back(domain);
  return out;
}

Task<Finding> Walker::ask(std::string domain) {
  Finding out;
  if (failures_ >= kMaxFailures) {
    out.status = Finding::Status::failed;
    out.text = "the DNS has left too many questions open";
    co_return out;
  }
  std::string name = "_dmarc." + domain;
  ++questions_;
  auto answer = co_await resolver_.txt(std::move(name), timeout_);
  if (answer.failed()) {
    ++failures_;
    out.status = Finding::Status::failed;
    out.text = fmt::format("the DMARC record of {} is not to be had now: {}", domain, answer.reason);
    co_return out;
  }
  // RFC 9989 4.10 step 2: other records are discarded, and several of them too
  std::erase_if(answer.records, [](const std::string& text) { return !is_dmarc_record(text); });
  if (answer.records.size() > 1) out.text = fmt::format("{} has {} DMARC records, so none counts", domain, answer.records.size());
  if (answer.records.size() != 1) co_return out;
  auto record = parse_record(answer.records.front());
  if (!record) {
    out.text = fmt::format("the DMARC record of {} does not count: {}", domain, record.error().text);
    co_return out;
  }
  out.status = Finding::Status::found;
  out.record = *std::move(record);
  out.secure = answer.security == dns::Security::secure;
  co_return out;
}

Task<const Finding*> Walker::look_up(std::string domain) {
  auto known = findings_.find(domain);
  if (known == findings_.end()) {
    std::string asked = domain;
    Finding finding = co_await ask(std::move(asked));
    known = findings_.emplace(std::move(domain), std::move(finding)).first;
  }
  co_return &known->second;
}

Task<Walk> Walker::walk(std::string domain) {
  Walk out;
  std::vector<Step> found;
  const std::vector<std::string> targets = walk_targets(domain);
  for (const std::string& target : targets) {
    std::string asked = target;
    const Finding* const finding = co_await look_up(std::move(asked));
    if (finding->status == Finding::Status::failed) {
      out.failed = true;
      out.text = finding->text;
      co_return out;
    }
    if (finding->status == Finding::Status::absent) continue;
    found.push_back({target, finding->record.public_suffix});
    if (finding->record.public_suffix != PublicSuffix::unknown) break;  // RFC 9989 4.10 steps 2 and 6
  }
  select(out, domain, found);
  co_return out;
}

}  // namespace godwit::dmarc
