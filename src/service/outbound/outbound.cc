#include "service/outbound/outbound.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "service/outbound/site.h"

namespace godwit::outbound {
namespace {

constexpr std::size_t kSweepAbove = 256;  // sites in memory; with more of them the idle ones are forgotten

class OutboundOfLoop final : public Outbound {
 public:
  explicit OutboundOfLoop(Context context) : context_(std::move(context)) {}

  void offer(Job job) override {
    const auto found = sites_.find(job.site->name);
    if (found != sites_.end()) return found->second->offer(std::move(job));
    if (sites_.size() >= sweep_at_) sweep();
    auto site = std::make_shared<Site>(context_, plain_hosts_, job.site);
    if (draining_) site->drain();
    sites_.emplace(job.site->name, site);
    site->offer(std::move(job));
  }

  std::vector<SiteStatus> status() const override {
    std::vector<SiteStatus> out;
    for (const auto& [name, site] : sites_) out.push_back(site->status());
    return out;
  }

  void probe_now() override {
    for (const auto& [name, site] : sites_) site->probe_now();
  }

  void drain() override {
    draining_ = true;
    for (const auto& [name, site] : sites_) site->drain();
  }

 private:
  void sweep() {
    std::erase_if(sites_, [](const auto& entry) { return entry.second->idle(); });
    sweep_at_ = std::max(kSweepAbove, sites_.size() * 2);
  }

  const Context context_;
  PlainHosts plain_hosts_;
  std::unordered_map<std::string, std::shared_ptr<Site>> sites_;
  std::size_t sweep_at_ = kSweepAbove;
  bool draining_ = false;
};

}  // namespace

std::unique_ptr<Outbound> make_outbound(Context context) { return std::make_unique<OutboundOfLoop>(std::move(context)); }

}  // namespace godwit::outbound
