#pragma once
// libunbound as an Upstream. Internal to dns.
//
// libunbound resolves on a thread of its own; everything else happens on the loop of `owner`: questions are posted there, the
// descriptor is read there, call-backs come there. start() from any thread; create anywhere; destroy on that loop, or when no
// loop runs.

#include <memory>

#include "base/task.h"
#include "edge/dns/unbound_resolver.h"
#include "edge/dns/upstream.h"

namespace godwit::dns {

class UnboundUpstream final : public Upstream {
 public:
  static Result<std::unique_ptr<Upstream>> create(const Executor& owner, const ResolverOptions& options);
  ~UnboundUpstream() override;

  void start(Question question, Done done) override;

 private:
  class Engine;
  UnboundUpstream(const Executor& owner, std::shared_ptr<Engine> engine);

  Executor owner_;
  std::shared_ptr<Engine> engine_;
};

}  // namespace godwit::dns
