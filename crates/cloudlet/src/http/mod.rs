//! HTTP: every route on one page, handlers that decide nothing.
