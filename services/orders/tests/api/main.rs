//! The API of orders over a real `MariaDB`. Neighbors are fakes that speak HTTP.

mod coupons;
mod events;
mod fulfillment;
mod openapi;
mod outages;
mod ownership;
mod people;
mod placing;
mod races;
mod returns;
mod stock;
mod world;
