#pragma once
#include "session/catalogue_source.h"
#include "session/protocol.h"

namespace sallyport::cmd {

/// `is_tls_required`: false for a listener with `insecure: true`.
session::Protocol postgres_protocol(bool is_tls_required);
session::CatalogueReading postgres_catalogue();

}  // namespace sallyport::cmd
