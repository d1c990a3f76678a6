//! What can be had here: the catalogue, whose images come and go, and what the driver can do.
//!
//! The one thing that changes while the server runs is which images there are, and only
//! [`Supply::stock`] changes it. Whoever reads it gets the whole as it is at that moment.

use model::{
    DriverAbilities,
    catalogue::{Catalogue, Image},
};
use std::sync::{Arc, PoisonError, RwLock};

/// What can be had; clones are the same.
#[derive(Clone, Debug)]
pub struct Supply {
    catalogue: Arc<RwLock<Arc<Catalogue>>>,
    driver: DriverAbilities,
}

impl Supply {
    /// A catalogue, of which a driver makes what it can.
    pub fn new(catalogue: Catalogue, driver: DriverAbilities) -> Self {
        let catalogue = Arc::new(RwLock::new(Arc::new(catalogue)));
        Self { catalogue, driver }
    }

    /// The catalogue as it is now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        let catalogue = self.catalogue.read();
        Arc::clone(&catalogue.unwrap_or_else(PoisonError::into_inner))
    }

    /// What the driver can do.
    pub fn driver(&self) -> DriverAbilities {
        self.driver
    }

    /// From now on there are these images.
    pub fn stock(&self, images: Vec<Image>) {
        let mut catalogue = self
            .catalogue
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut catalogue).images = images;
    }
}

/// A catalogue of the simulator's.
impl From<Arc<Catalogue>> for Supply {
    fn from(catalogue: Arc<Catalogue>) -> Self {
        Self::new(Arc::unwrap_or_clone(catalogue), DriverAbilities::SIM)
    }
}
